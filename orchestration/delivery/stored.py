"""Rendered messages as they lie in a batch: compressed together, and never decoded further than an adapter needs.

A batch is a byte for its version, and frames of up to 100 messages: small enough for a processor's cache, and large
enough that what messages of a campaign share is stored but once. A frame is two sizes, of what is in it before and
after compression by zstd, and that: the size of a JSON list of heads, the list, and then each message's content, a
JSON object with `subject`, `html` and `text`, or with what a vendor's own template fills in.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from rendering.payload import Payload

# Earlier versions had the merge data in the heads, and before that a list of messages under zlib.
_VERSION, _WITH_DATA, _ZLIB = b"\x02", b"\x01", b"\x78"
_FRAME = 100
_SIZE, _SIZES = struct.Struct("<I"), struct.Struct("<II")


class Stored(NamedTuple):
    """A message out of a batch. `content` is a JSON object: the message's `subject`, `html` and `text`, or what the
    template `template_id`, which the vendor keeps, is filled in with; out of a batch, it is a view of the frame."""

    message_id: str
    person_id: str
    campaign: str
    occurrence: str
    variant: str | None
    to_email: str
    from_name: str
    from_email: str
    reply_to: str | None
    headers: Sequence[tuple[str, str]]
    template_id: str | None
    content: bytes | memoryview

    @property
    def payload(self) -> Payload:
        """The message with its content decoded."""
        head: dict[str, Any] = {**dict(zip(_HEAD, self, strict=False)), "headers": tuple(map(tuple, self.headers))}
        content = orjson.loads(self.content)
        if self.template_id is None:
            return Payload(**head, **content)
        return Payload(**head, subject=content["subject"], html="", text="", data=bytes(self.content))


_HEAD = tuple(name for name in Stored._fields if name != "content")
_head = attrgetter(*_HEAD)


def store(payload: Payload) -> Stored:
    """The message of a payload."""
    return Stored._make((*_head(payload), _content(payload)))


def pack(payloads: Sequence[Payload]) -> bytes:
    """A batch of the payloads, in their order."""
    frames = [_frame(payloads[start : start + _FRAME]) for start in range(0, len(payloads), _FRAME)]
    return b"".join([_VERSION, *frames])


def unpack(data: bytes) -> Iterator[Stored]:
    """The messages of a batch, in their order."""
    version = data[:1]
    if version == _ZLIB:
        for fields in orjson.loads(zlib.decompress(data)):
            yield store(Payload(**{**fields, "headers": tuple(map(tuple, fields["headers"]))}))
        return
    view, start = memoryview(data), len(_VERSION)
    while start < len(view):
        size, packed = _SIZES.unpack_from(view, start)
        start += _SIZES.size
        frame = _messages(pa.Codec("zstd").decompress(view[start : start + packed], size, asbytes=True))
        yield from map(_without_data, frame) if version == _WITH_DATA else map(Stored._make, frame)
        start += packed


def _frame(payloads: Sequence[Payload]) -> bytes:
    contents = [_content(payload) for payload in payloads]
    heads = orjson.dumps([(*_head(payload), len(content)) for payload, content in zip(payloads, contents, strict=True)])
    whole = b"".join([_SIZE.pack(len(heads)), heads, *contents])
    packed = pa.Codec("zstd", compression_level=1).compress(whole, asbytes=True)
    return _SIZES.pack(len(whole), len(packed)) + packed


def _messages(whole: bytes) -> Iterator[list[Any]]:
    """The head and the content of each message."""
    (heads_size,) = _SIZE.unpack_from(whole)
    start, view = _SIZE.size + heads_size, memoryview(whole)
    for fields in orjson.loads(view[_SIZE.size : start]):
        end = start + fields[-1]
        fields[-1] = view[start:end]
        yield fields
        start = end


def _without_data(fields: list[Any]) -> Stored:
    """A message of a version that kept a rendered one beside the merge data of a vendor's template."""
    *head, data, content = fields
    return Stored._make((*head, content if data is None else data.encode()))


def _content(payload: Payload) -> bytes:
    if payload.data is not None:
        return payload.data
    return orjson.dumps({"subject": payload.subject, "html": payload.html, "text": payload.text})
