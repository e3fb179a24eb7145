"""A sending worker on a bad machine: its clock jumps, and its disk fills. `python -m tests.faults.killed_worker`."""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from collections.abc import Callable


def jumping(clock: Callable[[], float], seed: int) -> Callable[[], float]:
    """A clock that is now and then hours off, to either side."""
    draw = random.Random(seed)

    def read() -> float:
        return clock() + (draw.uniform(-7200, 7200) if draw.random() < 0.3 else 0.0)

    return read


if __name__ == "__main__":
    if seed := os.environ.get("JUMPING_CLOCK"):
        time.time = jumping(time.time, int(seed))
    if full_at := os.environ.get("DISK_FULL_AT_BYTES"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(full_at), int(full_at)))
    # Only now, for it takes the clock as it finds it.
    from orchestration.delivery.worker import work

    sys.exit(work(iter(sys.stdin), sys.stdout))
