"""One writer at a time: lock files that say who holds them."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestration.errors import LockedError, storage_error

_POLL_SECONDS = 0.2


@contextmanager
def exclusive(path: Path, *, wait_seconds: float, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the lock file `path` while the block runs; the kernel frees it when the process dies.

    Raises LockedError, with the holder's process and command, when it is still held after `wait_seconds`.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        _acquire(descriptor, path, time.monotonic() + wait_seconds, on_wait)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _self_description(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(path: Path) -> str:
    """Who holds the lock file, in words; an empty text when nobody has written into it."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return f"process {facts['pid']} ({facts['command']}, since {facts['since']})"


def _acquire(descriptor: int, path: Path, deadline: float, on_wait: Callable[[str], None] | None) -> None:
    has_told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            who = holder(path) or "another process"
            if time.monotonic() >= deadline:
                raise LockedError(f"{path.parent} is in use by {who}. Wait until it ends, then run again.") from None
            if on_wait and not has_told:
                on_wait(f"waiting for {who}")
                has_told = True
            time.sleep(_POLL_SECONDS)


def _self_description() -> bytes:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]]).strip()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"pid": os.getpid(), "command": command, "since": since}).encode()
