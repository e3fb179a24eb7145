"""Copies of CSV files that can be read row by row, where the file itself cannot: nothing is lost, one row is."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from orchestration.errors import LandingError

_CHUNK_BYTES = 1 << 20
_MAX_LINE_BYTES = 16 * 1024 * 1024


class MixedLineEndsError(LandingError):
    """The file's lines end in several ways; with one way, it can be read."""


class OpenQuotesError(LandingError):
    """Lines whose quote is never closed, so that they take the lines after them with them.

    `positions` are where they begin, in bytes from 0, in order.
    """

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__("a quote is not closed")
        self.positions = positions


def placeholder(number: int) -> str:
    """What stands in a copy for the line that was set aside as that number: a row that the reader refuses."""
    return f"\x02{number}"


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, unpacked."""
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


@contextmanager
def one_line_end(path: Path) -> Iterator[Path]:
    """A copy of the file, for as long as the block runs, whose lines all end in a line feed."""
    with _copy(path) as copy, open_bytes(path) as source, copy.open("wb") as target:
        pending = b""
        while chunk := source.read(_CHUNK_BYTES):
            chunk = pending + chunk
            # A carriage return at the end may be half of a pair.
            pending = b"\r" if chunk.endswith(b"\r") else b""
            target.write(chunk.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        target.write(b"\n" if pending else b"")
        target.flush()
        yield copy


@contextmanager
def without_open_quotes(path: Path, positions: Sequence[int], set_aside: list[str]) -> Iterator[Path]:
    """A copy of the file with a placeholder for each line that begins at one of `positions`; adds them to `set_aside`.

    A byte of such a line that is no UTF-8 is written as \\xNN.
    """
    with _copy(path) as copy, open_bytes(path) as source, copy.open("wb") as target:
        for position in positions:
            _copy_bytes(source, target, position - source.tell())
            line = source.readline(_MAX_LINE_BYTES)
            while line and not line.strip():
                target.write(line)
                line = source.readline(_MAX_LINE_BYTES)
            target.write(placeholder(len(set_aside)).encode() + b"\n")
            set_aside.append(line.decode("utf-8", errors="backslashreplace").rstrip("\r\n"))
        while chunk := source.read(_CHUNK_BYTES):
            target.write(chunk)
        target.flush()
        yield copy


@contextmanager
def _copy(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / path.name.removesuffix(".gz").removesuffix(".GZ")


def _copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count > 0 and (chunk := source.read(min(count, _CHUNK_BYTES))):
        target.write(chunk)
        count -= len(chunk)
