"""Files and position together, or neither: what makes a killed sync leave no gap and no repeat.

A sync writes into `staging/`. One rename makes of it a commit that holds the files to deliver and the position
after them. Delivering moves the files into the landing zone, one rename each; whoever comes next after a kill
moves the rest. So a row is in a file exactly once, and the position never runs ahead of its files.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_STATE = "state.json"
_FILES = "files"


@dataclass(frozen=True)
class Commits:
    """The commits of one stream in `folder`; `landing` is where its files are delivered."""

    folder: Path
    landing: Path

    @property
    def _staging(self) -> Path:
        return self.folder / "staging"

    def newest(self) -> Path | None:
        """The folder of the newest commit, or None when nothing was ever committed."""
        found = sorted(path for path in self.folder.glob("commits/*") if path.is_dir())
        return found[-1] if found else None

    def state(self) -> dict[str, Any]:
        """What the newest commit says of itself."""
        newest = self.newest()
        return json.loads((newest / _STATE).read_text(encoding="utf-8")) if newest else {}

    def begin(self) -> Path:
        """A fresh folder to write in; what a killed sync left half-written is gone."""
        shutil.rmtree(self._staging, ignore_errors=True)
        (self._staging / _FILES).mkdir(parents=True)
        return self._staging

    def data_file(self, ending: str) -> Path:
        """Where the commit under way writes the file that it delivers."""
        return self._staging / _FILES / f"data{ending}"

    def commit(self, state: dict[str, Any]) -> str:
        """Makes the staged files and `state` permanent in one step, then delivers; returns the commit's name."""
        name = self._next_name()
        (self._staging / _STATE).write_text(json.dumps({**state, "commit": name}), encoding="utf-8")
        for path in sorted(self._staging.rglob("*")):
            _sync_to_disk(path)
        _sync_to_disk(self._staging)
        (self.folder / "commits").mkdir(exist_ok=True)
        self._staging.rename(self.folder / "commits" / name)
        _sync_to_disk(self.folder / "commits")
        self.deliver()
        return name

    def deliver(self) -> int:
        """Moves every committed file that is still here into the landing zone; returns how many."""
        moved = 0
        commits = sorted(path for path in self.folder.glob("commits/*") if path.is_dir())
        for commit in commits:
            for path in sorted((commit / _FILES).glob("*")):
                self.landing.mkdir(parents=True, exist_ok=True)
                _move(path, self.landing / path.name.replace("data", commit.name, 1))
                moved += 1
        if moved:
            _sync_to_disk(self.landing)
        for old in commits[:-1]:
            shutil.rmtree(old)
        return moved

    def _next_name(self) -> str:
        """Names grow with time, also when the clock stands still or goes back."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        newest = self.newest()
        if newest is None or now > newest.name:
            return now
        day, _, digits = newest.name.partition("T")
        return f"{day}T{int(digits) + 1:012d}"


def _move(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Another disk: landing passes over names that start with a dot until the last rename.
        halfway = target.with_name(f".{target.name}")
        shutil.copyfile(path, halfway)
        _sync_to_disk(halfway)
        halfway.rename(target)
        _sync_to_disk(target.parent)
        path.unlink()


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
