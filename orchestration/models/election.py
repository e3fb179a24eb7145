"""After training: which version scores, and the record of why. Every model's asset calls `elect`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from ml import champions, contest, store
from ml.errors import ModelError, ModelFileError
from ml.store import ModelMetadata
from orchestration.settings import Settings

_Model = TypeVar("_Model")


@dataclass(frozen=True)
class Decision:
    """A row of ml.model_decisions: `champion_version` is the champion that `version` met, if there was one."""

    model: str
    version: str
    champion_version: str | None
    decision: str
    reason: str
    scoring_version: str
    metric: str | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    decided_at: str


@dataclass(frozen=True)
class Elected(Generic[_Model]):
    """The model that scores, its version, and why it is this one."""

    model: _Model
    version: str
    decision: Decision
    is_pinned: bool = False

    @property
    def is_challenger(self) -> bool:
        return self.version == self.decision.version

    @property
    def sentence(self) -> str:
        """Why, for people, with a full stop."""
        name = self.decision.model.capitalize()
        verb = {
            contest.PROMOTED: "is in use from now on",
            contest.KEPT: f"is not in use, {self.version} scores",
            contest.UNCHANGED: "is in use as before",
            contest.USED_ONCE: "scores this once, and the champion stays",
        }[self.decision.decision]
        return f"{name}: {self.decision.version} {verb}: {self.decision.reason}."


def elect(
    settings: Settings,
    model: _Model,
    metadata: ModelMetadata,
    *,
    compare: Callable[[_Model], contest.Comparison],
    question: tuple[str, ...] = (),
    decayed: Callable[[str], str] = lambda version: "",
) -> Elected[_Model]:
    """Stores the challenger and gives the model that scores: the challenger, or the champion that it did not replace.

    `compare` scores the held-out rows with a champion beside the challenger. Champions that answered another question
    (the `question` names the params that make it), have other features, or cannot be read, are replaced. `decayed`
    says in words how a version's past scores failed, if they did. A run that looks at the past, by --known-at or by an
    as_of before the champion's, is scored by what was known then and moves nothing. See ml.contest for the rule.
    """
    folder, name = settings.models, metadata.name
    version = store.save(model, metadata, folder)
    current = champions.current(folder, name)

    def scored_by(scoring: _Model, by: str, decision: str, reason: str, met: contest.Comparison | None) -> Elected:
        found = Decision(
            name, version, current.version if current else None, decision, reason, by,
            met.metric if met else None, met.value if met else None, met.low if met else None,
            met.high if met else None, metadata.as_of.isoformat(),
        )  # fmt: skip
        if settings.known_at is None:
            record(folder, found)
        return Elected(scoring, by, found, bool(current and current.is_pinned))

    def promoted(reason: str, met: contest.Comparison | None = None) -> Elected:
        champions.promote(folder, name, version, at=metadata.as_of, reason=reason)
        return scored_by(model, version, contest.PROMOTED, reason, met)

    if settings.known_at is not None:
        return scored_by(model, version, contest.USED_ONCE, "the run looks at the past by --known-at", None)
    if current is None:
        return promoted("there was no champion")
    if current.version == version:
        return scored_by(model, version, contest.UNCHANGED, "same data, parameters and code", None)
    try:
        described = store.load_metadata(folder, name, current.version)
        champion: _Model = store.load(folder, name, current.version)
    except ModelFileError as error:
        return promoted(f"the champion cannot be used ({_clause(error)})")
    made_at = _instant(described.get("as_of"))
    if made_at is not None and made_at > metadata.as_of:
        why = f"{current.version} knows what came after this run's as_of"
        return scored_by(model, version, contest.USED_ONCE, why, None)
    unfit = _unfit(model, metadata, champion, described, question)
    if unfit:
        return promoted(f"{current.version} {unfit}")
    try:
        met = compare(champion)
    except (ModelError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        return promoted(f"{current.version} cannot score today's rows ({_clause(error)})")
    if current.is_pinned:
        why = f"a person chose {current.version}; {met.words}; `sincerely model release {name}` lets training decide"
        return scored_by(champion, current.version, contest.KEPT, why, met)
    verdict = contest.judge(metadata, described, met, decayed=decayed(current.version))
    if verdict.decision == contest.PROMOTED:
        return promoted(verdict.reason, met)
    return scored_by(champion, current.version, verdict.decision, verdict.reason, met)


def decisions(folder: Path) -> list[Decision]:
    """All decisions that are recorded, by model and in their order."""
    found = []
    for name in store.models(folder):
        found += _recorded(store.path_of(folder, name) / "decisions.jsonl")
    return found


def record(folder: Path, decision: Decision) -> None:
    """Writes a decision beside the model's versions; of one instant about one version, the latest stands."""
    path = store.path_of(folder, decision.model) / "decisions.jsonl"
    same = (decision.version, decision.decided_at)
    recorded = _recorded(path)
    if decision.decision == contest.UNCHANGED and any((each.version, each.decided_at) == same for each in recorded):
        return  # the same run again: what it decided the first time is the record
    others = [each for each in recorded if (each.version, each.decided_at) != same]
    draft = path.with_name(f".decisions-{os.getpid()}")
    lines = [json.dumps(asdict(each), sort_keys=True) for each in [*others, decision]]
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(path)


def _recorded(path: Path) -> list[Decision]:
    if not path.exists():
        return []
    try:
        return [Decision(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (ValueError, TypeError) as error:
        raise ModelFileError(f"{path} is damaged ({error}): move it away, and the record begins anew.") from error


def _unfit(
    model: object, metadata: ModelMetadata, champion: object, described: dict[str, Any], question: tuple[str, ...]
) -> str:
    if type(champion) is not type(model):
        return f"is a {type(champion).__name__}, not a {type(model).__name__}"
    asked = described.get("params") or {}
    changed = [name for name in question if asked.get(name) != metadata.params.get(name)]
    if changed:
        return f"answers another question ({', '.join(changed)})"
    if list(described.get("features") or []) != list(metadata.features):
        return "was trained on other features than today's"
    return ""


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _clause(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".")
