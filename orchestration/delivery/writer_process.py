"""A writer as a process of its own: `python -m orchestration.delivery.writer_process`.

On its standard input come an `Order`, pickled, and its records as an Arrow stream. It writes down each batch that came
whole, and ends with its input. Its last line is what the records came to, or why it gave up.
"""

from __future__ import annotations

import json
import pickle
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from queue import Queue
from typing import BinaryIO, TextIO

import pyarrow as pa

from orchestration.delivery.outbox import Outbox
from orchestration.delivery.writing_down import Order, Writer, WrittenDown
from orchestration.errors import SincerelyError, plain_message
from orchestration.garbage import collect_rarely
from orchestration.without_pandas import leave_pandas_out


def work(given: BinaryIO, answers: TextIO) -> int:
    """Writes all down; the exit status is 1 when a person has to act, or when what was given broke off."""
    collect_rarely()
    order: Order = pickle.load(given)
    found = WrittenDown()
    try:
        writer = Writer(order, Outbox(order.outbox_url))
        for records in _ahead(given):
            found.add(writer.write(records))
    except pa.ArrowInvalid:
        return 1  # who gave it is gone
    except SincerelyError as error:
        answers.write(json.dumps({"error": plain_message(error)}) + "\n")
        return 1
    answers.write(json.dumps(asdict(found)) + "\n")
    return 0


def _ahead(given: BinaryIO) -> Iterator[pa.RecordBatch]:
    """The batches of a stream; while one is worked on, the next is read already."""
    read: Queue[pa.RecordBatch | Exception | None] = Queue(maxsize=1)

    def fill() -> None:
        try:
            for records in pa.ipc.open_stream(given):
                read.put(records)
            read.put(None)
        except Exception as error:
            read.put(error)

    threading.Thread(target=fill, daemon=True).start()
    while (records := read.get()) is not None:
        if isinstance(records, Exception):
            raise records
        yield records


if __name__ == "__main__":
    leave_pandas_out()
    sys.exit(work(sys.stdin.buffer, sys.stdout))
