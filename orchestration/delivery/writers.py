"""Many messages are rendered and written down by a process for each core, for one alone is bound to one."""

from __future__ import annotations

import copyreg
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from types import MappingProxyType
from typing import IO, Any

import pyarrow as pa

from orchestration.delivery.outbox import Outbox
from orchestration.delivery.processes import KEEPS_MEMORY, how_many, last_words
from orchestration.delivery.writing_down import Order, Writer, WrittenDown
from orchestration.errors import DeliveryError

# So many messages are written here before others are called, whose start takes as long as a few thousand messages.
LARGE = 10_000


# What nobody may change of a campaign is pickled, too.
def _thawed(mapping: MappingProxyType[Any, Any]) -> tuple[Callable[..., Any], tuple[dict[Any, Any]]]:
    return _frozen, (dict(mapping),)


def _frozen(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


copyreg.pickle(MappingProxyType, _thawed)


class Writers:
    """Takes a campaign's records, and knows in the end what they came to."""

    def __init__(self, order: Order, outbox: Outbox, large: int = LARGE) -> None:
        self._order = order
        self._outbox = outbox
        self._found = WrittenDown()
        self._here: Writer | None = None
        self._others: list[_Process] = []
        self._taken = 0
        can_be_many = outbox.is_shared and how_many() > 1
        self._alone = large if can_be_many else float("inf")

    def take(self, records: pa.RecordBatch) -> None:
        """Writes the records down, or has them written. DeliveryError when who was to write them has given up."""
        if self._taken < self._alone:
            self._here = self._here or Writer(self._order, self._outbox)
            self._found.add(self._here.write(records))
        else:
            self._next().take(records)
        self._taken += records.num_rows

    def ended(self) -> WrittenDown:
        """What all records came to, once all are written down. DeliveryError with the first reason why some are not."""
        results = [process.ended() for process in self._others]
        for result in results:
            if isinstance(result, str):
                raise DeliveryError(result)
            self._found.add(result)
        return self._found

    def close(self) -> None:
        """Lets the processes end with what they were given whole."""
        for process in self._others:
            process.close()

    def _next(self) -> _Process:
        if not self._others:
            self._others = [_Process(self._order) for _ in range(how_many())]
            self._turns = cycle(self._others)
        return next(self._turns)


class _Process:
    """`python -m orchestration.delivery.writer_process`: an order and records in, one line of JSON out."""

    def __init__(self, order: Order) -> None:
        command = [sys.executable, "-m", "orchestration.delivery.writer_process"]
        environ = {**os.environ, **KEEPS_MEMORY}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in: IO[bytes] = self._process.stdin
        self._out: IO[bytes] = self._process.stdout
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        # It says last why it ended before its time.
        with suppress(BrokenPipeError):
            pickle.dump(order, self._in)

    def take(self, records: pa.RecordBatch) -> None:
        try:
            self._stream = self._stream or pa.ipc.new_stream(self._in, records.schema)
            self._stream.write_batch(records)
        except BrokenPipeError:
            # It has ended before its time, and says why.
            raise DeliveryError(str(self.ended())) from None

    def ended(self) -> WrittenDown | str:
        """What it came to, or why it gave up."""
        with suppress(BrokenPipeError):
            if self._stream is not None:
                self._stream.close()
            self._in.close()
        last = last_words(self._process, "A process that plans messages")
        return str(last["error"]) if "error" in last else WrittenDown(**last)

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._in.close()
        self._process.wait()
        self._out.close()


@contextmanager
def writers(order: Order, outbox: Outbox, large: int = LARGE) -> Iterator[Writers]:
    """Writers for as long as the block runs."""
    all_of_them = Writers(order, outbox, large)
    try:
        yield all_of_them
    finally:
        all_of_them.close()
