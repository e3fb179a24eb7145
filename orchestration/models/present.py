"""The model store for people and programs: its versions, and one of them with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml import champions, store
from ml.errors import ModelError
from orchestration.errors import ModelStoreError
from orchestration.models import election


def listed(folder: Path, name: str | None = None) -> list[dict[str, Any]]:
    """One record per version, the newest first in each model; `problem` says why one cannot be read."""
    found: list[dict[str, Any]] = []
    for model in [name] if name else store.models(folder):
        try:
            current, versions = champions.current(folder, model), store.versions(folder, model)
        except ModelError as error:
            raise ModelStoreError(str(error)) from error
        found += [_row(folder, model, version, current) for version in reversed(versions)]
    return found


def described(folder: Path, name: str, version: str | None = None) -> dict[str, Any]:
    """The metadata of one version, by default the champion's, with `decisions` about it and the pointer's `history`.

    The model itself is read too. Raises ModelStoreError for what is not there, or is not what was saved.
    """
    try:
        current = champions.current(folder, name)
        wanted = version or (current.version if current else None)
        if wanted is None:
            raise ModelStoreError(f"{name} has no champion; `sincerely model list` names what is stored.")
        facts = store.load_metadata(folder, name, wanted)
        store.load(folder, name, wanted)
        decided = [asdict(each) for each in election.decisions(folder) if each.model == name]
        history = [asdict(move) for move in champions.history(folder, name)]
    except ModelError as error:
        raise ModelStoreError(str(error)) from error
    asked_for = (wanted,) if version else (wanted, *(each["version"] for each in decided[-3:]))
    return {
        **facts,
        "is_champion": bool(current and current.version == wanted),
        "is_pinned": bool(current and current.version == wanted and current.is_pinned),
        "decisions": [each for each in decided if each["version"] in asked_for],
        "history": history,
    }


def about(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What made a version, as labels and words."""
    in_use = "pinned" if facts["is_pinned"] else "yes" if facts["is_champion"] else "no"
    yield "In use", in_use
    yield "Stands on", str(facts.get("note") or "")
    yield "As of", str(facts.get("as_of"))
    yield "Learned from the time before", str(facts.get("trained_until") or "unknown")
    yield "Measured on the time from", str(facts.get("held_out_from") or "unknown")
    yield "Data", str(facts.get("data_fingerprint"))
    libraries = ", ".join(f"{name} {version}" for name, version in sorted((facts.get("libraries") or {}).items()))
    yield "Code", f"{facts.get('code')}, {libraries}"
    yield "Features", ", ".join(facts.get("features") or [])
    for name, value in sorted((facts.get("params") or {}).items()):
        yield name, str(value)


def figures(facts: dict[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Part, metric, value, interval and baseline, as text."""
    for part, metrics in sorted((facts.get("metrics") or {}).items()):
        for metric, found in metrics.items():
            low, high = found.get("value_low"), found.get("value_high")
            around = f"{low:.4f} to {high:.4f}" if low is not None and high is not None else ""
            yield part, metric, _number(found.get("value")), around, _number(found.get("baseline_value"))


def _row(folder: Path, name: str, version: str, current: champions.Move | None) -> dict[str, Any]:
    is_champion = current is not None and current.version == version
    row: dict[str, Any] = {
        "model": name,
        "version": version,
        "is_champion": is_champion,
        "is_pinned": bool(is_champion and current and current.is_pinned),
        "as_of": None,
        "method": "",
        "metrics": {},
        "problem": "",
    }
    try:
        facts = store.load_metadata(folder, name, version)
    except ModelError as error:
        return {**row, "problem": str(error)}
    return {
        **row,
        "as_of": facts.get("as_of"),
        "method": str((facts.get("params") or {}).get("method", "")),
        "metrics": facts.get("metrics") or {},
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
