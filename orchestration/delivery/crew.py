"""Workers as processes: they hand over while this one plans, and beside each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict

from orchestration.delivery.processes import KEEPS_MEMORY, last_words
from orchestration.delivery.sender import Sent
from orchestration.delivery.worker import Order
from orchestration.errors import DeliveryError

_HELD_ASKED_SECONDS = 0.5


class Crew:
    """Running workers with one order."""

    def __init__(self, order: Order, size: int, environ: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "orchestration.delivery.worker"]
        env = {**(environ or os.environ), **KEEPS_MEMORY}
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            for _ in range(size)
        ]
        self.tell(asdict(order))

    @property
    def pids(self) -> list[int]:
        """The workers' processes."""
        return [process.pid for process in self._processes]

    def tell(self, changes: Mapping[str, object]) -> None:
        """Changes what they were told, as `Order.change` takes it."""
        for process in self._processes:
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps(changes) + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                # It has ended; what it says last is read at the end.
                continue

    def ended(self, held: Callable[[], Collection[str]] | None = None) -> Sent:
        """What all of them came to, once nothing is left to do. Raises DeliveryError with the first worker's reason.

        `held` is asked now and then meanwhile: a campaign that a person pauses stops in all of them.
        """
        self.tell({"is_planning": False})
        told: set[str] | None = None
        while held and any(process.poll() is None for process in self._processes):
            if (now := set(held())) != told:
                self.tell({"held": sorted(now)})
                told = now
            time.sleep(_HELD_ASKED_SECONDS)
        whole, errors = Sent(), []
        for process in self._processes:
            last = last_words(process, "A sending worker")
            if "error" in last:
                errors.append(str(last["error"]))
            else:
                whole.add(Sent(**last))
        if errors:
            raise DeliveryError(errors[0])
        return whole

    def close(self) -> None:
        """Lets them end what they have begun, and no more."""
        for process in self._processes:
            assert process.stdin is not None and process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.wait()
            process.stdout.close()


@contextmanager
def crew(order: Order, size: int, environ: Mapping[str, str] | None = None) -> Iterator[Crew]:
    """Workers for as long as the block runs."""
    workers = Crew(order, size, environ)
    try:
        yield workers
    finally:
        workers.close()
