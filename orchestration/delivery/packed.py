"""Contents as bytes: what messages have in common is written once, and each distinct text of a part once.

The bytes are their size and an Arrow stream of one row, compressed together by zstd: `heads`, whatever stands beside
the contents, in JSON; `layout`, a JSON list of contents, each with how many messages it has and its parts; `texts` and
`codes`, a list each. A part is a text, or where its codes begin, one for each message; a code is the number of a text.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import compress

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from rendering.contents import Contents, Part, Texts

_SIZE = struct.Struct("<Q")


def packed(heads: bytes, contents: Sequence[Contents[str]]) -> bytes:
    """The bytes of contents and of their heads."""
    writing = _Writing(contents)
    layout = [[each.rows, [writing.part(part) for part in each.parts]] for each in contents]
    codes = np.concatenate([np.empty(0, dtype=np.uint32), *writing.codes])
    lists = {"texts": pa.array(writing.texts, pa.string()), "codes": pa.array(codes)}
    batch = pa.RecordBatch.from_pydict(
        {
            "heads": pa.array([heads]),
            "layout": pa.array([orjson.dumps(layout)]),
            **{k: _one(v) for k, v in lists.items()},
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    whole = sink.getvalue()
    return _SIZE.pack(whole.size) + pa.Codec("zstd", compression_level=1).compress(whole, asbytes=True)


def unpacked(data: memoryview) -> tuple[bytes, list[tuple[Contents[bytes], list[int]]]]:
    """The heads, and the contents as they were, in UTF-8, with their sizes. ValueError, OSError or struct.error for
    what was never packed."""
    (size,) = _SIZE.unpack_from(data)
    with pa.ipc.open_stream(pa.Codec("zstd").decompress(data[_SIZE.size :], size)) as stream:
        batch = stream.read_next_batch()
    heads, layout = (batch.column(name)[0].as_py() for name in ("heads", "layout"))
    column, codes = batch.column("texts").values, batch.column("codes").values.to_numpy()
    texts, sizes = column.cast(pa.binary()).to_pylist(), pc.binary_length(column).to_numpy()
    longest = int(sizes.max(initial=0))
    found = []
    for rows, written in orjson.loads(layout):
        of_rows = np.zeros(rows, dtype=np.int64)
        parts: list[Part[bytes]] = []
        known: dict[int, Texts[bytes]] = {}
        for part in written:
            if isinstance(part, str):
                parts.append(part.encode())
                of_rows += len(parts[-1])
            else:
                known[part] = known.get(part) or Texts(texts, codes[part : part + rows], longest)
                parts.append(known[part])
                of_rows += sizes[known[part].codes]
        found.append((Contents(parts, rows), of_rows.tolist()))
    return heads, found


class _Writing:
    """The texts and the codes of contents, each written once."""

    def __init__(self, contents: Sequence[Contents[str]]) -> None:
        self.texts: list[str] = []
        self.codes: list[np.ndarray] = []
        self._count = 0
        # By values: all the codes that speak of them, and the numbers of the texts that there are codes for.
        self._speaking: dict[int, dict[int, np.ndarray]] = {}
        self._numbers: dict[int, np.ndarray] = {}
        self._written: dict[tuple[int, int], int] = {}
        for each in contents:
            for part in each.parts:
                if isinstance(part, Texts):
                    self._speaking.setdefault(id(part.values), {})[id(part.codes)] = part.codes

    def part(self, part: Part[str]) -> str | int:
        """How a part stands in the layout."""
        if not isinstance(part, Texts):
            return part
        key = (id(part.values), id(part.codes))
        if key not in self._written:
            if key[0] not in self._numbers:
                self._numbers[key[0]] = self._number(part.values)
            self._written[key] = self._count
            self.codes.append(self._numbers[key[0]][part.codes])
            self._count += len(part.codes)
        return self._written[key]

    def _number(self, values: Sequence[str]) -> np.ndarray:
        there = np.zeros(len(values), dtype=bool)
        for codes in self._speaking[id(values)].values():
            there[codes] = True
        numbers = (np.cumsum(there) + (len(self.texts) - 1)).astype(np.uint32)
        self.texts += values if there.all() else compress(values, there.tolist())
        return numbers


def _one(values: pa.Array) -> pa.ListArray:
    """A column of one row, which is all the values."""
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
