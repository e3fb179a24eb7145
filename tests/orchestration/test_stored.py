"""Messages come out of a batch as they went in, those of earlier versions too."""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import asdict, replace
from pathlib import Path

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.sender import send
from orchestration.delivery.stored import pack, unpack
from rendering.payload import Payload
from tests.esp.cases import NOW, payload, plan, states

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT), max_size=250))
def test_what_is_packed_comes_out_as_it_was(contents: list[tuple[str, str, str]]) -> None:
    messages = [
        replace(payload(number), subject=subject, html=html, text=text)
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
        for column in ("handed_over_at", "expires_at"):
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
    rows = [asdict(each) for each in payloads]
    for row in rows:
        del row["template_id"], row["data"]
    return zlib.compress(orjson.dumps(rows), level=3)
