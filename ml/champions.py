"""Which version of a model is in use, which were before it, and whether a person chose it.

`<folder>/<name>/champion` names the version in use and moves in one step. `champions.jsonl` beside it has a line for
each move, the oldest first; a move back takes the last one off. A line whose pointer never moved (the process was
killed in between) is not counted.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ml import store
from ml.errors import ModelFileError


@dataclass(frozen=True)
class Move:
    """One move of the pointer. `action` is 'promote', 'release' or 'rollback', `at` an ISO 8601 instant (UTC).

    A pinned champion was chosen by a person: training does not replace it.
    """

    version: str
    action: str
    is_pinned: bool
    reason: str
    at: str


def promote(folder: Path, name: str, version: str, *, at: datetime, reason: str, is_pinned: bool = False) -> Move:
    """Puts this version in use. A ModelFileError says why a missing, damaged or foreign one cannot be."""
    store.load(folder, name, version)
    return _move(folder, name, Move(version, "promote", is_pinned, reason, at.isoformat()))


def release(folder: Path, name: str, *, at: datetime) -> Move:
    """Lets training replace the version in use again."""
    current = _current_or_raise(folder, name)
    if not current.is_pinned:
        raise ModelFileError(f"{name}: {current.version} is not pinned, so training may replace it already.")
    return _move(folder, name, Move(current.version, "release", False, "released by a person", at.isoformat()))


def rollback(folder: Path, name: str, *, at: datetime) -> Move:
    """Puts the version before this one in use, with the pin that it had then.

    What training had put in use and a person takes back would come back with the next training, so the version before
    it is pinned then.
    """
    current, earlier = _current_or_raise(folder, name), _stack(folder, name)
    before = next((move for move in reversed(earlier) if move.version != current.version), None)
    if before is None:
        raise ModelFileError(f"{name} has no champion before {current.version}: promote another version by its name.")
    store.load(folder, name, before.version)
    reason = f"rolled back from {current.version}"
    is_pinned = before.is_pinned if current.is_pinned else True
    return _move(folder, name, Move(before.version, "rollback", is_pinned, reason, at.isoformat()))


def current(folder: Path, name: str) -> Move | None:
    """The move that put the version in use there; None where none was. Older homes have a pointer and no history."""
    version = store.champion(folder, name)
    if version is None:
        return None
    moves = history(folder, name)
    if moves and moves[-1].version == version:
        return moves[-1]
    return Move(version, "promote", False, "", "")


def history(folder: Path, name: str) -> list[Move]:
    """Every move, the oldest first."""
    path = store.path_of(folder, name) / "champions.jsonl"
    if not path.exists():
        return []
    try:
        moves = [Move(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (ValueError, TypeError) as error:
        raise ModelFileError(f"{path} is damaged ({error}): move it away, and the history begins anew.") from error
    version = store.champion(folder, name)
    while moves and moves[-1].version != version:
        moves.pop()
    return moves


def _current_or_raise(folder: Path, name: str) -> Move:
    found = current(folder, name)
    if found is None:
        raise ModelFileError(f"{name} has no champion: train it first.")
    return found


def _stack(folder: Path, name: str) -> list[Move]:
    """The moves that were not taken back."""
    standing: list[Move] = []
    for move in history(folder, name):
        if move.action == "rollback":
            while standing and standing[-1].version != move.version:
                standing.pop()
            standing = standing[:-1]
        elif standing and standing[-1].version == move.version:
            standing.pop()  # pinned or released, the same version stays one step
        standing.append(move)
    return standing


def _move(folder: Path, name: str, move: Move) -> Move:
    """The history first, then the pointer: each is replaced in one step."""
    home = store.path_of(folder, name)
    lines = [json.dumps(asdict(each)) for each in [*history(folder, name), move]]
    draft = home / f".champions-{os.getpid()}"
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(home / "champions.jsonl")
    store.promote(folder, name, move.version)
    return move
