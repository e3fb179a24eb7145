"""A full refresh against the one before: what is new or changed is delivered, and which keys there are is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.connectors.rows import Row

FILE = "snapshot.parquet"
# Between the parts of a key; the SQL of deletions joins with the same.
KEY_SEPARATOR = "|"
_DIGEST_CHARACTERS = 32


def key_digest(row: Row, key: Sequence[str], secret: str) -> str:
    """The row's key as SQL hashes it too; the key itself is not kept outside the warehouse."""
    text = KEY_SEPARATOR.join((row.get(column) or "").strip(" ") for column in key)
    return hashlib.sha256(f"{secret}:{text}".encode()).hexdigest()[:_DIGEST_CHARACTERS]


def keyed_with(secret: str) -> str:
    """Tells whether a snapshot's keys can be found again with this secret; another one finds none of them."""
    return hashlib.sha256(f"snapshot:{secret}".encode()).hexdigest()[:16]


class Snapshot:
    """The rows of one full refresh, by key and content: 32 bytes a row, about a hundred with Python's own."""

    def __init__(self, before: Path | None) -> None:
        self._before = _read(before / FILE) if before else set()
        self._rows: set[bytes] = set()

    @property
    def rows_before(self) -> int:
        return len(self._before)

    @property
    def rows_count(self) -> int:
        return len(self._rows)

    @property
    def has_changed(self) -> bool:
        return self._rows != self._before

    def is_new(self, key: str, content: str) -> bool:
        """Notes a row; False when the last snapshot had it just so, or this one has it already."""
        row = bytes.fromhex(key + content)
        is_known = row in self._before or row in self._rows
        self._rows.add(row)
        return not is_known

    def write(self, folder: Path) -> None:
        """Keeps the snapshot in a commit's folder for the next one, and for the deletions."""
        half = _DIGEST_CHARACTERS // 2
        ordered = sorted(self._rows)
        table = pa.table(
            {
                "key_digest": pa.array((row[:half].hex() for row in ordered), pa.string()),
                "row_digest": pa.array((row[half:].hex() for row in ordered), pa.string()),
            }
        )
        pq.write_table(table, folder / FILE)


def _read(path: Path) -> set[bytes]:
    if not path.exists():
        return set()
    rows: set[bytes] = set()
    for batch in pq.ParquetFile(path).iter_batches(columns=["key_digest", "row_digest"]):
        keys, contents = (column.to_pylist() for column in batch.columns)
        rows.update(bytes.fromhex(key + content) for key, content in zip(keys, contents, strict=True))
    return rows
