"""Messages come out of a batch as they went in, those of earlier versions too."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.sender import send
from orchestration.delivery.stored import pack, unpack
from orchestration.errors import DeliveryError
from rendering.contents import Content, Contents, Texts
from rendering.json_text import escaped
from rendering.payload import Payload
from tests.esp.cases import NOW, payload, plan, states

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT), max_size=250))
def test_what_is_packed_comes_out_as_it_was(contents: list[tuple[str, str, str]]) -> None:
    messages = [
        payload(number)._replace(subject=subject, html=html, text=text)
        for number, (subject, html, text) in enumerate(contents)
    ]
    assert [each.payload for each in unpack(pack(messages))] == messages


def test_a_message_alike_many_others_is_stored_small() -> None:
    messages = [payload(number, size=20_000) for number in range(1_000)]
    assert len(pack(messages)) < 200 * len(messages)


def test_an_outbox_of_an_earlier_version_is_taken_over_with_its_batches(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'outbox.sqlite'}"
    plan(Outbox(url), [payload(1), payload(2)])
    plan(Outbox(url), [payload(3)])
    with sqlite3.connect(tmp_path / "outbox.sqlite") as connection:
        connection.execute("drop index batches_waiting")
        connection.execute("drop index batches_leased")
        for column in ("not_before", "is_waiting", "worker", "leased_until", "esp", "is_idempotent"):
            connection.execute(f"alter table batches drop column {column}")
        for column in ("handed_over_at", "expires_at", "quiet_hours"):
            connection.execute(f"alter table messages drop column {column}")
        old = _as_it_was([payload(1), payload(2)])
        connection.execute("update batches set payloads = ? where batch_id = 'hello-1'", [old])
        # What a run of that version was killed over; it knew no ESP but the folder.
        connection.execute("update messages set state = 'sending' where message_id = 'hello-2'")

    outbox = Outbox(url)
    sent = send(outbox, FolderEsp(tmp_path / "mail"), NOW)

    assert (sent.accepted, sent.taken_back) == (3, 1)
    assert states(outbox) == {"accepted": 3}
    assert sorted(path.stem for path in (tmp_path / "mail").rglob("*.eml")) == ["hello-1", "hello-2", "hello-3"]


def _as_it_was(payloads: list[Payload]) -> bytes:
    rows = [each._asdict() for each in payloads]
    for row in rows:
        del row["template_id"], row["data"]
    return zlib.compress(orjson.dumps(rows), level=3)


def test_a_damaged_batch_is_named_and_nothing_of_it_is_sent(tmp_path: Path) -> None:
    outbox = Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    plan(outbox, [payload(1)])
    with sqlite3.connect(tmp_path / "outbox.sqlite") as connection:
        connection.execute("update contents set payloads = substr(payloads, 1, 40)")
    with pytest.raises(DeliveryError, match="hello-1 of the outbox cannot be read"):
        send(outbox, FolderEsp(tmp_path / "mail"), NOW)
    assert states(outbox) == {"planned": 1}


def test_a_batch_that_kept_merge_data_beside_a_rendered_message_is_still_read() -> None:
    one, two = payload(1), payload(2)
    heads = [_head_with_data(one, None, None), _head_with_data(two, "d-0123", '{"subject":"Hello"}')]
    contents = [orjson.dumps({"subject": each.subject, "html": each.html, "text": each.text}) for each in (one, two)]
    packed = orjson.dumps([[*head, len(content)] for head, content in zip(heads, contents, strict=True)])
    whole = struct.pack("<I", len(packed)) + packed + b"".join(contents)
    frame = pa.Codec("zstd").compress(whole, asbytes=True)
    found = [each.payload for each in unpack(b"\x01" + struct.pack("<II", len(whole), len(frame)) + frame)]
    merged = two._replace(subject="Hello", html="", text="", template_id="d-0123", data=b'{"subject":"Hello"}')
    assert found == [one, merged]


def test_a_batch_of_frames_of_an_earlier_version_is_still_read() -> None:
    one = payload(1)
    content = orjson.dumps({"subject": one.subject, "html": one.html, "text": one.text})
    packed = orjson.dumps([[*_head_with_data(one, None, None)[:-1], len(content)]])
    whole = struct.pack("<I", len(packed)) + packed + content
    frame = pa.Codec("zstd").compress(whole, asbytes=True)
    assert [each.payload for each in unpack(b"\x02" + struct.pack("<II", len(whole), len(frame)) + frame)] == [one]


def test_messages_with_parts_in_common_come_out_as_they_went_in_each_with_its_size() -> None:
    names = ["Ada", "Grüße", "東京", 'a "quoted" one', "Ada"]
    shared = Contents(
        [
            '{"subject":"',
            Texts.of([escaped(name) for name in names], np.arange(len(names))),
            '","text":"x","html":"',
            Texts.of(["never", "<b>one</b>", "<b>two</b>"], np.array([1, 2, 1, 2, 1])),
            '"}',
        ],
        len(names),
    )
    alone = payload(9)
    messages = [payload(number)._replace(html="", text="", data=Content(shared, number)) for number in (4, 0, 2)]
    found = list(unpack(pack([messages[0], alone, *messages[1:]])))
    assert [each.message_id for each in found] == ["hello-4", "hello-0", "hello-2", "hello-9"]
    read = [orjson.loads(bytes(each.content)) for each in found[:3]]
    assert [(each["subject"], each["html"]) for each in read] == [
        ("Ada", "<b>one</b>"),
        ("Ada", "<b>one</b>"),
        ("東京", "<b>one</b>"),
    ]
    assert [len(each.content) for each in found] == [len(bytes(each.content)) for each in found]
    assert found[3].payload == alone


@pytest.mark.parametrize("place", [0, 5, 40, 200, -1])
def test_a_batch_of_which_one_byte_was_changed_is_never_read(place: int) -> None:
    packed = bytearray(pack([payload(number) for number in range(20)]))
    packed[place] ^= 0xFF
    with pytest.raises((ValueError, OSError, struct.error, zlib.error)):
        list(unpack(bytes(packed)))


def test_what_was_decided_for_a_batch_is_kept_when_its_content_goes(tmp_path: Path) -> None:
    outbox = Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    messages = [payload(number) for number in range(3)]
    outbox.plan(
        [
            *(
                Planned(m.message_id, m.campaign, m.occurrence, m.person_id, None, f'["{m.person_id}"]', m)
                for m in messages
            ),
            Planned("hello-held", "hello", "once", "p-held", None, '["held"]'),
        ],
        NOW.replace(tzinfo=None),
    )
    assert send(outbox, FolderEsp(tmp_path / "mail"), NOW).accepted == 3
    with sqlite3.connect(tmp_path / "outbox.sqlite") as connection:
        left = [connection.execute(f"select count(*) from {name}").fetchone()[0] for name in ("batches", "contents")]
    assert left == [0, 0]
    rows = outbox.read_all().read_all().to_pylist()
    assert {row["message_id"]: row["decisions"] for row in rows} == {
        **{each.message_id: f'["{each.person_id}"]' for each in messages},
        "hello-held": '["held"]',
    }


def test_damaged_decisions_are_named_by_their_batch(tmp_path: Path) -> None:
    outbox = Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    plan(outbox, [payload(1)])
    with sqlite3.connect(tmp_path / "outbox.sqlite") as connection:
        connection.execute("update decisions set decisions = substr(decisions, 1, 6)")
    with pytest.raises(DeliveryError, match="decided for batch hello-1 of the outbox cannot be read"):
        outbox.read_all().read_all()


def _head_with_data(message: Payload, template_id: str | None, data: str | None) -> list[Any]:
    return [
        message.message_id, message.person_id, message.campaign, message.occurrence, message.variant, message.to_email,
        message.from_name, message.from_email, message.reply_to, message.headers, template_id, data,
    ]  # fmt: skip
