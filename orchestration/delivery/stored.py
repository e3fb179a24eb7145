"""Rendered messages as they lie in a batch: compressed together, and never decoded further than an adapter needs.

A batch is a byte for its version, and frames of up to 100 messages: small enough for a processor's cache, and large
enough that what messages of a campaign share is stored but once. A frame is two sizes, of what is in it before and
after compression by zstd, and that: the size of a JSON list of heads, the list, and then each message's content, a
JSON object with `subject`, `html` and `text`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa

from rendering.payload import Payload

_VERSION = b"\x01"
_FRAME = 100
_SIZE, _SIZES = struct.Struct("<I"), struct.Struct("<II")
# zlib's first byte: batches of earlier versions.
_ZLIB = b"\x78"


@dataclass(frozen=True)
class Stored:
    """A message out of a batch. `content` is the JSON object of its `subject`, `html` and `text`."""

    message_id: str
    person_id: str
    campaign: str
    occurrence: str
    variant: str | None
    to_email: str
    from_name: str
    from_email: str
    reply_to: str | None
    headers: tuple[tuple[str, str], ...]
    template_id: str | None
    data: str | None
    content: bytes

    @cached_property
    def payload(self) -> Payload:
        """The message with its content decoded."""
        head = {name: getattr(self, name) for name in _HEAD}
        return Payload(**head, **orjson.loads(self.content))


_HEAD = tuple(name for name in Stored.__dataclass_fields__ if name != "content")


def store(payload: Payload) -> Stored:
    """The message of a payload."""
    return Stored(**{name: getattr(payload, name) for name in _HEAD}, content=_content(payload))


def pack(payloads: Sequence[Payload]) -> bytes:
    """A batch of the payloads, in their order."""
    frames = [_frame(payloads[start : start + _FRAME]) for start in range(0, len(payloads), _FRAME)]
    return b"".join([_VERSION, *frames])


def unpack(data: bytes) -> Iterator[Stored]:
    """The messages of a batch, in their order."""
    if data[:1] == _ZLIB:
        for fields in orjson.loads(zlib.decompress(data)):
            yield store(Payload(**{**fields, "headers": tuple(map(tuple, fields["headers"]))}))
        return
    view, start = memoryview(data), len(_VERSION)
    while start < len(view):
        size, packed = _SIZES.unpack_from(view, start)
        start += _SIZES.size
        yield from _messages(pa.Codec("zstd").decompress(view[start : start + packed], size, asbytes=True))
        start += packed


def _frame(payloads: Sequence[Payload]) -> bytes:
    contents = [_content(payload) for payload in payloads]
    heads = orjson.dumps(
        [
            [*(getattr(payload, name) for name in _HEAD), len(content)]
            for payload, content in zip(payloads, contents, strict=True)
        ]
    )
    whole = b"".join([_SIZE.pack(len(heads)), heads, *contents])
    packed = pa.Codec("zstd", compression_level=1).compress(whole, asbytes=True)
    return _SIZES.pack(len(whole), len(packed)) + packed


def _messages(whole: bytes) -> Iterator[Stored]:
    (heads_size,) = _SIZE.unpack_from(whole)
    start = _SIZE.size + heads_size
    heads: list[list[Any]] = orjson.loads(memoryview(whole)[_SIZE.size : start])
    for *head, size in heads:
        head[_HEADERS] = tuple((name, value) for name, value in head[_HEADERS])
        yield Stored(**dict(zip(_HEAD, head, strict=True)), content=whole[start : start + size])
        start += size


def _content(payload: Payload) -> bytes:
    return orjson.dumps({"subject": payload.subject, "html": payload.html, "text": payload.text})


_HEADERS = _HEAD.index("headers")
