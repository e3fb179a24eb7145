"""Processes beside this one: how many there are, and what each says last."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

_MOST = 4
# For processes that take as much memory for each batch as for the one before: to give it back to the system in between,
# and to have pools by thread that each do so, costs up to a third of all.
KEEPS_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864",
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
}


def how_many() -> int:
    """One for each core, for one alone is bound to one; at most so many."""
    return min(os.cpu_count() or 1, _MOST)


def last_words(process: subprocess.Popen[Any], what: str) -> dict[str, Any]:
    """The last line of a process that has nothing more to read, an object of JSON; an `error` where it says nothing."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    status = process.wait()
    found: dict[str, Any] = json.loads(lines[-1]) if lines else {"error": f"{what} died ({status}); run again."}
    return found
