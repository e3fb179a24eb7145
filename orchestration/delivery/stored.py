"""Rendered messages as they lie in a batch: compressed together, and never decoded further than an adapter needs.

A batch is a byte for its version, a checksum (CRC-32), and the contents and heads of its messages as `packed` writes
them. The heads are a JSON list; a content is a JSON object with `subject`, `html` and `text`, or with what a vendor's
own template fills in.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from orchestration.delivery.packed import packed, unpacked
from rendering.contents import Content, Contents, Texts
from rendering.payload import Payload

_VERSION = b"\x03"
# Earlier versions: frames of messages, those with the merge data in the heads, and before that a list under zlib.
_FRAMES, _WITH_DATA, _ZLIB = b"\x02", b"\x01", b"\x78"
_SIZE, _SIZES = struct.Struct("<I"), struct.Struct("<II")


class Stored(NamedTuple):
    """A message out of a batch. `content` is a JSON object: the message's `subject`, `html` and `text`, or what the
    template `template_id`, which the vendor keeps, is filled in with; out of a batch, it is not joined yet."""

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
    content: bytes | memoryview | Content

    @property
    def payload(self) -> Payload:
        """The message with its content decoded."""
        head: dict[str, Any] = {**dict(zip(_HEAD, self, strict=False)), "headers": tuple(map(tuple, self.headers))}
        content = orjson.loads(bytes(self.content))
        if self.template_id is None:
            return Payload(**head, **content)
        return Payload(**head, subject=content["subject"], html="", text="", data=bytes(self.content))


_HEAD = tuple(name for name in Stored._fields if name != "content")
_head = attrgetter(*_HEAD)


def store(payload: Payload) -> Stored:
    """The message of a payload."""
    return Stored._make((*_head(payload), _content(payload)))


def pack(payloads: Sequence[Payload]) -> bytes:
    """A batch of the payloads, in their order but for those with parts in common, which stand together."""
    alike: dict[int, list[Payload]] = {}
    for payload in payloads:
        data = payload.data
        alike.setdefault(id(data.contents) if type(data) is Content else 0, []).append(payload)
    heads = orjson.dumps([_head(payload) for together in alike.values() for payload in together])
    data = packed(heads, [_contents(together) for together in alike.values()])
    return b"".join([_VERSION, _SIZE.pack(zlib.crc32(data)), data])


def unpack(data: bytes) -> Iterator[Stored]:
    """The messages of a batch. ValueError, OSError, zlib.error or struct.error for one that is damaged."""
    version = data[:1]
    if version != _VERSION:
        yield from _unpack_earlier(version, data)
        return
    view, start = memoryview(data), len(_VERSION) + _SIZE.size
    if _SIZE.unpack_from(data, len(_VERSION)) != (zlib.crc32(view[start:]),):
        raise ValueError("the checksum is another one")
    heads, contents = unpacked(view[start:])
    left = iter(orjson.loads(heads))
    for each, sizes in contents:
        yield from (Stored._make((*next(left), Content(each, row, size))) for row, size in enumerate(sizes))


def _contents(payloads: Sequence[Payload]) -> Contents[str]:
    """Theirs together, where they have parts in common; else one after the other."""
    contents = [payload.data for payload in payloads]
    if isinstance(contents[0], Content):
        return contents[0].contents.taken(np.array([each.row for each in contents if isinstance(each, Content)]))
    return Contents([Texts.of([_content(each).decode() for each in payloads], np.arange(len(payloads)))], len(payloads))


def _unpack_earlier(version: bytes, data: bytes) -> Iterator[Stored]:
    if version == _ZLIB:
        for fields in orjson.loads(zlib.decompress(data)):
            yield store(Payload(**{**fields, "headers": tuple(map(tuple, fields["headers"]))}))
        return
    if version not in (_FRAMES, _WITH_DATA):
        raise ValueError("a later version wrote it")
    view, start = memoryview(data), len(version)
    while start < len(view):
        size, compressed = _SIZES.unpack_from(view, start)
        start += _SIZES.size
        frame = _messages(pa.Codec("zstd").decompress(view[start : start + compressed], size, asbytes=True))
        yield from map(_without_data, frame) if version == _WITH_DATA else map(Stored._make, frame)
        start += compressed


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
        return bytes(payload.data)
    return orjson.dumps({"subject": payload.subject, "html": payload.html, "text": payload.text})
