"""Files whose lines end now in one way and now in another, as exports that were pasted together do."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHUNK_BYTES = 1 << 20


@contextmanager
def one_line_end(path: Path) -> Iterator[Path]:
    """A copy of the file, for as long as the block runs, whose lines all end in a line feed."""
    is_packed = path.name.lower().endswith(".gz")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / (path.stem if is_packed else path.name)
        with gzip.open(path) if is_packed else path.open("rb") as source, copy.open("wb") as target:
            pending = b""
            while chunk := source.read(_CHUNK_BYTES):
                chunk = pending + chunk
                # A carriage return at the end may be half of a pair.
                pending = b"\r" if chunk.endswith(b"\r") else b""
                target.write(chunk.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
            target.write(b"\n" if pending else b"")
        yield copy
