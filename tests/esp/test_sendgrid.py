"""SendGrid's adapter against a server with the vendor's limits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest

from orchestration.delivery.esp.base import Esp, EspError
from orchestration.delivery.esp.sendgrid import SendGrid
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.sender import send
from orchestration.delivery.throttle import Throttle
from orchestration.errors import SettingsError
from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.links import Site
from rendering.payload import Payload
from rendering.templates import compile_campaign
from tests.bench.rendering import batch
from tests.esp.cases import HASTY, NOW, AdapterCases, errors, outbox, payload, plan, states
from tests.esp.faults import ACCEPTED_THEN_500, ACCEPTED_THEN_DROPPED, DROPPED, MALFORMED, Throttled
from tests.esp.sendgrid import API_KEY, OWN_TEMPLATE_ID, TEMPLATE_ID, FakeSendGrid, sendgrid

__all__ = ["outbox"]


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with sendgrid() as server:
        yield server


@pytest.fixture
def esp(fake: FakeSendGrid) -> SendGrid:
    return SendGrid(API_KEY, TEMPLATE_ID, fake.url)


class _Cases(AdapterCases):
    template_id = ""

    @pytest.fixture
    def esp(self, fake: FakeSendGrid) -> Esp:
        self.fake = fake
        return SendGrid(API_KEY, self.template_id, fake.url)

    def taken(self) -> Counter[str]:
        return self.fake.accepted

    def refuse(self, address: str) -> None:
        self.fake.refuses.add(address)


class TestPassThroughTemplate(_Cases):
    template_id = TEMPLATE_ID


class TestOneMessageARequest(_Cases):
    pass


def test_a_thousand_messages_of_their_own_go_in_one_request(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    plan(outbox, [payload(number) for number in range(1_000)])
    assert send(outbox, esp, NOW).accepted == 1_000
    assert [count for count, _ in fake.sizes] == [1_000]
    assert fake.contents["hello-7"]["subject"] == "Grüße 7"
    assert "Hallo 7" in fake.contents["hello-7"]["html"]
    assert fake.contents["hello-7"]["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_template_of_the_vendors_own_is_given_values_and_no_message(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid
) -> None:
    campaign = replace(load_campaign(CAMPAIGNS / "loyalty_reward"), dynamic_template=OWN_TEMPLATE_ID)
    site = Site("https://mail.example.com", b"a secret of enough bytes")
    renderer = Renderer(compile_campaign(campaign), site, as_merge_data=True)
    rendered = [each for each in renderer.render(batch(0, 3)) if isinstance(each, Payload)]
    plan(outbox, rendered)
    plan(outbox, [payload(1)])
    assert send(outbox, esp, NOW).accepted == 4
    given = fake.contents[rendered[1].message_id]
    assert (given["template_id"], given["first_name"], given["orders_count"]) == (OWN_TEMPLATE_ID, "Maria1", 1)
    assert [product["rank"] for product in given["recommendations"]] == [1, 2, 3, 4, 5, 6]
    assert given["unsubscribe_url"].startswith("https://mail.example.com/unsubscribe/")
    assert given["subject"] == "Maria1, your reward for this month"
    assert given["slots"] == {"hero": "hero_regular", "local": "city_anywhere"}
    assert "html" not in given
    assert fake.contents["hello-1"]["template_id"] == TEMPLATE_ID


def test_a_request_stays_under_thirty_megabytes(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    plan(outbox, [payload(number, size=400_000) for number in range(100)])
    assert send(outbox, esp, NOW).accepted == 100
    assert len(fake.sizes) == 2
    assert all(size <= 30_000_000 for _, size in fake.sizes)


def test_a_message_that_is_too_large_is_rejected_alone(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    plan(outbox, [payload(1), payload(2, size=31_000_000), payload(3)])
    sent = send(outbox, esp, NOW)
    assert (sent.accepted, sent.rejected) == (2, 1)
    assert "413" in errors(outbox)["hello-2"]


def test_what_the_vendor_keeps_names_nobody(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    plan(outbox, [payload(1)])
    send(outbox, esp, NOW)
    assert fake.contents["hello-1"]["custom_args"] == {"message_id": "hello-1"}


def test_a_refused_request_is_halved_until_the_guilty_rows_are_found(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid
) -> None:
    fake.is_vague = True
    fake.refuses |= {"person.0@example.com", "person.77@example.com"}
    plan(outbox, [payload(number) for number in range(100)])
    sent = send(outbox, esp, NOW)
    assert (sent.accepted, sent.rejected) == (98, 2)
    assert set(errors(outbox)) == {"hello-0", "hello-77"}
    assert set(fake.accepted.values()) == {1}


def test_a_refused_row_that_is_named_costs_one_request(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    fake.refuses.add("person.5@example.com")
    plan(outbox, [payload(number) for number in range(100)])
    send(outbox, esp, NOW)
    assert fake.requests == 2


@pytest.mark.parametrize("fault", [ACCEPTED_THEN_DROPPED, ACCEPTED_THEN_500, MALFORMED, 500, 502, 503])
def test_a_request_without_a_readable_answer_is_unknown_and_never_repeated(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid, fault: object
) -> None:
    fake.faults.add(fault)
    plan(outbox, [payload(1), payload(2)])
    sent = send(outbox, esp, NOW, patience=HASTY)
    assert (sent.accepted, sent.unknown) == (0, 2)
    again = SendGrid(API_KEY, TEMPLATE_ID, fake.url)
    assert send(outbox, again, NOW, patience=HASTY).accepted == 0
    assert states(outbox) == {"unknown": 2}
    assert fake.requests == 1


@pytest.mark.parametrize("header", ["Retry-After", "Retry-After date", "X-RateLimit-Reset", "none"])
def test_a_throttled_request_was_not_taken_and_is_tried_again(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid, header: str
) -> None:
    fake.faults.add(Throttled(1, header), Throttled(0, header))
    plan(outbox, [payload(1)])
    assert send(outbox, esp, NOW, patience=HASTY).accepted == 1
    assert fake.accepted == {"hello-1": 1}


def test_nothing_is_sent_while_the_rate_limit_is_used_up(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.remaining = 1
    pauses: list[timedelta] = []
    pause = Throttle._pause
    monkeypatch.setattr(Throttle, "_pause", lambda self, wait: (pauses.append(wait), pause(self, wait))[1])
    plan(outbox, [payload(1)])
    assert send(outbox, esp, NOW, patience=HASTY).accepted == 1
    assert len(pauses) == 1


def test_a_campaigns_retries_are_limited_and_its_messages_wait(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid
) -> None:
    fake.faults.add(*[Throttled()] * (HASTY.retries_per_campaign + 1))
    plan(outbox, [payload(1), payload(2)])
    sent = send(outbox, esp, NOW, patience=HASTY)
    assert (sent.accepted, sent.left) == (0, 2)
    assert states(outbox) == {"planned": 2}
    assert send(outbox, SendGrid(API_KEY, TEMPLATE_ID, fake.url), NOW).accepted == 2


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
def test_a_refused_key_stops_everything_at_once(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid, status: HTTPStatus
) -> None:
    fake.faults.add(*[int(status)] * 20)
    for number in range(20):
        plan(outbox, [payload(number)])
    with pytest.raises(EspError, match="SINCERELY_SENDGRID"):
        send(outbox, esp, NOW)
    assert fake.requests <= esp.limits.connections
    assert states(outbox) == {"planned": 20}


def test_a_vendor_that_answers_nothing_readable_is_not_given_everything(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid
) -> None:
    fake.faults.add(*[500] * 30)
    for number in range(30):
        plan(outbox, [payload(number)])
    with pytest.raises(EspError, match="3 requests in a row"):
        send(outbox, esp, NOW, patience=HASTY)
    assert states(outbox)["planned"] >= 30 - HASTY.unknown_in_a_row - esp.limits.connections


def test_a_vendor_that_cannot_be_reached_has_taken_nothing(outbox: Outbox) -> None:
    with sendgrid() as gone:
        url = gone.url
    plan(outbox, [payload(1)])
    sent = send(outbox, SendGrid(API_KEY, TEMPLATE_ID, url), NOW, patience=HASTY)
    assert (sent.left, sent.unknown) == (1, 0)
    assert states(outbox) == {"planned": 1}


def test_a_connection_that_is_dropped_before_the_request_is_read_may_have_been_taken(
    outbox: Outbox, esp: SendGrid, fake: FakeSendGrid
) -> None:
    """A small request is gone before anybody can tell."""
    fake.faults.add(DROPPED)
    plan(outbox, [payload(1)])
    send(outbox, esp, NOW, patience=HASTY)
    assert states(outbox) == {"unknown": 1}


def test_an_answer_that_takes_too_long_is_unknown(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    esp._http.timeout = httpx.Timeout(0.05)
    fake.seconds = 1.0
    plan(outbox, [payload(1)])
    assert send(outbox, esp, NOW, patience=HASTY).unknown == 1
    assert states(outbox) == {"unknown": 1}


def test_no_more_connections_than_its_limit_are_open(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    fake.seconds = 0.02
    for number in range(40):
        plan(outbox, [payload(number)])
    assert send(outbox, esp, NOW).accepted == 40
    assert 1 < fake.most_at_once <= esp.limits.connections


def test_a_missing_key_and_a_wrong_template_are_named() -> None:
    with pytest.raises(SettingsError, match="SINCERELY_SENDGRID_API_KEY"):
        SendGrid("")
    with pytest.raises(SettingsError, match="SINCERELY_SENDGRID_TEMPLATE_ID"):
        SendGrid(API_KEY, "0123")


def test_events_come_once_or_more_in_any_order(outbox: Outbox, esp: SendGrid, fake: FakeSendGrid) -> None:
    plan(outbox, [payload(number) for number in range(20)])
    send(outbox, esp, NOW)
    events = fake.events(random.Random(1), most_copies=3)
    assert {event["message_id"] for event in events} == set(fake.accepted)
    assert len(events) > 40
