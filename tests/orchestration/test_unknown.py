"""Unknown messages are settled by what comes back, by the ESP, or by their campaign's policy, and never by guessing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.delivery.esp.sendgrid import SendGrid
from orchestration.delivery.handing_over import HandedOver, hand_over, unknown_lines
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.unknown_command import settle
from orchestration.errors import DeliveryError
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from rendering.campaign import CAMPAIGNS, Campaign, load_campaign
from rendering.errors import CampaignError
from tests.esp.cases import NOW, errors, outbox, payload, plan, states
from tests.esp.faults import ACCEPTED_THEN_DROPPED
from tests.esp.sendgrid import API_KEY, TEMPLATE_ID, FakeSendGrid, sendgrid

__all__ = ["outbox"]
LATER = NOW + timedelta(hours=73)


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with sendgrid() as server:
        yield server


def _sendgrid(url: str, has_activity: bool) -> SendGrid:
    return SendGrid(API_KEY, TEMPLATE_ID, url, has_activity=has_activity)


class _Knowing(SendGrid):
    """One that knows of each message whether it took it, as no vendor's API yet says."""

    def __init__(self, found: Mapping[str, bool], url: str) -> None:
        super().__init__(API_KEY, TEMPLATE_ID, url)
        self._found = found

    def look_up(self, requests: Sequence[Sequence[str]]) -> Mapping[str, bool]:
        return self._found


class Sending:
    """A home whose SendGrid took two of three messages without saying so."""

    def __init__(self, home: Path, outbox: Outbox, fake: FakeSendGrid) -> None:
        self.outbox, self.fake = outbox, fake
        self.settings = Settings(
            home=home, esp="sendgrid", secret="tests", outbox_url=f"sqlite:///{home / 'outbox.sqlite'}"
        )
        self.warehouse = Warehouse(home / "warehouse.duckdb")
        self.policy = "hold"
        self.events([])

    def events(self, message_ids: Sequence[str]) -> None:
        ids = pa.array(message_ids, pa.string())
        self.warehouse.replace("core.email_events", pa.table({"message_id": ids}))

    def run(
        self, at: datetime = NOW, found: Mapping[str, bool] | None = None, *, has_activity: bool = False
    ) -> HandedOver:
        campaign: Campaign = replace(load_campaign(CAMPAIGNS / "win_back"), name="hello", unknown=self.policy)
        esp = _Knowing(found, self.fake.url) if found else _sendgrid(self.fake.url, has_activity)
        return hand_over(self.settings, self.warehouse, self.outbox, at, esp=esp, campaigns=[campaign])


@pytest.fixture
def sending(tmp_path: Path, outbox: Outbox, fake: FakeSendGrid) -> Sending:
    sending = Sending(tmp_path, outbox, fake)
    plan(outbox, [payload(1), payload(2)])
    fake.faults.add(ACCEPTED_THEN_DROPPED)
    assert sending.run().sent.unknown == 2
    return sending


def test_an_event_of_a_message_says_that_it_was_taken(sending: Sending) -> None:
    sending.events(["hello-1", "hello-1", "hello-of-another-time"])
    assert sending.run(NOW + timedelta(hours=1)).settled.by_events == 1
    assert states(sending.outbox) == {"accepted": 1, "unknown": 1}
    accepted = [row for row in sending.outbox.read_all().read_all().to_pylist() if row["state"] == "accepted"]
    # When it was handed over, not when the event was read.
    assert accepted[0]["accepted_at"] - NOW.replace(tzinfo=None) < timedelta(minutes=5)
    assert set(sending.fake.accepted.values()) == {1}


def test_content_is_kept_while_a_message_may_be_needed_again_and_no_longer(sending: Sending, tmp_path: Path) -> None:
    import sqlite3

    def batches() -> int:
        with sqlite3.connect(tmp_path / "outbox.sqlite") as connection:
            return int(connection.execute("select count(*) from batches").fetchone()[0])

    assert batches() == 1
    sending.events(["hello-1"])
    sending.run()
    assert batches() == 1
    sending.events(["hello-1", "hello-2"])
    sending.run()
    assert batches() == 0


def test_the_esps_own_answer_settles_both_ways(sending: Sending) -> None:
    handed_over = sending.run(found={"hello-1": True, "hello-2": False})
    assert (handed_over.settled.by_look_up, handed_over.sent.accepted) == (2, 1)
    assert states(sending.outbox) == {"accepted": 2}


def test_the_vendors_activity_settles_a_whole_request_by_one_question(sending: Sending) -> None:
    assert sending.run(has_activity=True).settled.by_look_up == 2
    assert states(sending.outbox) == {"accepted": 2}
    assert sending.fake.looked_up == 1
    assert set(sending.fake.accepted.values()) == {1}


def test_of_what_the_vendors_activity_does_not_know_nothing_is_concluded(sending: Sending) -> None:
    sending.fake.activity_is_behind = True
    assert sending.run(has_activity=True).settled.by_look_up == 0
    assert states(sending.outbox) == {"unknown": 2}


def test_no_more_is_asked_than_the_vendor_lets_itself_be_asked(sending: Sending, fake: FakeSendGrid) -> None:
    for number in range(10, 20):
        plan(sending.outbox, [payload(number)])
        fake.faults.add(ACCEPTED_THEN_DROPPED)
        sending.run(NOW + timedelta(hours=number))
    assert states(sending.outbox) == {"unknown": 12}
    assert sending.run(has_activity=True).settled.by_look_up == 7
    assert fake.looked_up == 6
    # The vendor does not answer any longer: the rest waits.
    assert sending.run(has_activity=True).settled.by_look_up == 0
    fake.looked_up = 0
    assert sending.run(has_activity=True).settled.by_look_up == 5


def test_what_was_handed_over_again_is_asked_for_by_itself(sending: Sending, fake: FakeSendGrid) -> None:
    sending.policy = "resend"
    fake.faults.add(ACCEPTED_THEN_DROPPED)
    assert sending.run(LATER).sent.unknown == 2
    assert sending.run(LATER, has_activity=True).settled.by_look_up == 2
    assert fake.looked_up == 2


def test_a_key_that_may_not_read_the_activity_holds_nothing_up(sending: Sending, fake: FakeSendGrid) -> None:
    fake.has_activity = False
    plan(sending.outbox, [payload(3)])
    handed_over = sending.run(has_activity=True)
    assert handed_over.sent.accepted == 1
    assert states(sending.outbox) == {"unknown": 2, "accepted": 1}
    assert "SINCERELY_SENDGRID_ACTIVITY=off" in handed_over.problems[0]


def test_without_a_word_it_is_held_until_a_person_decides(sending: Sending) -> None:
    assert sending.run(LATER).sent.accepted == 0
    assert states(sending.outbox) == {"unknown": 2}


def test_a_campaign_may_say_that_it_is_sent_again_after_the_limit_and_not_before(sending: Sending) -> None:
    sending.policy = "resend"
    assert sending.run(NOW + timedelta(hours=71)).settled.sent_again == 0
    handed_over = sending.run(LATER)
    assert (handed_over.settled.sent_again, handed_over.sent.accepted) == (2, 2)
    assert states(sending.outbox) == {"accepted": 2}
    assert errors(sending.outbox) == {}


def test_how_many_wait_and_why_is_told(sending: Sending) -> None:
    (line,) = unknown_lines(sending.outbox, timedelta(hours=72))
    assert "hello: 2 messages are unknown since 2018-01-01 00:00 UTC" in line
    assert "SendGrid: no answer could be read" in line
    assert "unknown: hold" in line
    assert sending.run().problems == [line]


@pytest.mark.parametrize(
    ("verdict", "then", "taken"), [("accepted", "accepted", 1), ("resend", "accepted", 2), ("rejected", "rejected", 1)]
)
def test_a_person_says_what_became_of_them(sending: Sending, verdict: str, then: str, taken: int) -> None:
    assert settle(sending.settings, "hello", verdict)["count"] == 2
    sending.run()
    assert states(sending.outbox) == {then: 2}
    assert set(sending.fake.accepted.values()) == {taken}
    with pytest.raises(DeliveryError, match="No message of hello is unknown"):
        settle(sending.settings, "hello", verdict)


def test_a_policy_that_there_is_not_is_named_with_its_line(tmp_path: Path) -> None:
    text = (CAMPAIGNS / "win_back" / "campaign.yml").read_text()
    folder = tmp_path / "win_back"
    folder.mkdir()
    (folder / "campaign.yml").write_text(text + "unknown: retry\n")
    with pytest.raises(CampaignError, match=rf"campaign\.yml:{len(text.splitlines()) + 1}"):
        load_campaign(folder)
