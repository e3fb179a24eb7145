"""Who hands over: each worker's name, and whether it still lives."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import storage_error


class Workers:
    """The workers of one machine, by a locked file each: the kernel frees it when its process dies.

    Without a folder, as for an outbox that machines share, nobody is known to be dead, and leases decide alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @contextmanager
    def joined(self) -> Iterator[str]:
        """A new worker's name, alive while the block runs."""
        name = uuid.uuid4().hex
        if self._folder is None:
            yield name
            return
        path = self._folder / name
        try:
            self._folder.mkdir(exist_ok=True)
            descriptor = _locked(path)
        except OSError as error:
            raise storage_error(error, path) from error
        try:
            yield name
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)

    def is_dead(self, name: str) -> bool:
        """Whether the worker is certainly gone."""
        if self._folder is None:
            return False
        try:
            descriptor = os.open(self._folder / name, os.O_RDWR)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (self._folder / name).unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def bury(self) -> None:
        """Removes the files that dead workers left."""
        if self._folder is not None and self._folder.is_dir():
            for path in list(self._folder.iterdir()):
                self.is_dead(path.name)


def _locked(path: Path) -> int:
    """A new file, held; once more if somebody took it for a dead worker's before it was."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)
