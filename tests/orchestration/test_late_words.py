"""Who left after the last build is not written to, though nothing was built since, nor even landed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.delivery.late_words.reading import Word, late_words
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.revoked import revoked_now
from orchestration.landing import files
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.building import land
from tests.esp.cases import payload

_BUILT = datetime(2018, 1, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A built home with three people, of whom the first has two addresses, and a message to each that waits."""
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    warehouse = Warehouse(settings.warehouse)
    files.prepare(warehouse)
    known = [("email", f"person.{n}@example.com", f"p{n}") for n in (1, 2, 3)]
    known += [("email", "other.1@example.org", "p1"), ("contact_id", "c2", "p2")]
    names = ("identifier_type", "identifier", "person_id")
    warehouse.replace("core.identity_map", pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in known]))
    decided = pa.table(
        {"person_id": ["p2"], "purpose": ["offers"], "decided_at": pa.array([datetime(2017, 6, 1)], pa.timestamp("us"))}
    )
    warehouse.replace("core.consents", decided)
    warehouse.replace("core.refresh_loads", pa.table({"load_id": pa.array([], pa.string())}))
    warehouse.replace("raw.campaigns", pa.table({"campaign": ["hello", "news"], "purpose": ["offers", "newsletter"]}))
    planned = [
        Planned(each.message_id, each.campaign, "once", each.person_id, None, payload=each)
        for each in (payload(1), payload(2), payload(3), payload(2, campaign="news"))
    ]
    Outbox(settings.outbox_url).plan(planned, _BUILT.replace(tzinfo=None))
    return settings


def write(settings: Settings, label: str, *rows: dict[str, Any]) -> None:
    path = settings.landing / label / f"{len(list(settings.landing.rglob('*')))}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def revoked(settings: Settings) -> dict[str, str]:
    return revoked_now(settings, Warehouse(settings.warehouse), Outbox(settings.outbox_url))


def sendgrid(email: str, event: str, **more: object) -> dict[str, object]:
    return {"email": email, "event": event, "timestamp": 1_514_800_000, "sg_event_id": f"{email} {event}", **more}


def test_who_left_in_a_file_that_waits_for_its_landing_is_not_written_to(settings: Settings) -> None:
    write(
        settings, "sendgrid/events",
        sendgrid("Other.1@Example.org", "group_unsubscribe"),
        sendgrid("person.2@example.com", "open"),
        sendgrid("person.2@example.com", "bounce", type="blocked"),
        sendgrid("person.3@example.com", "spamreport"),
    )  # fmt: skip
    assert revoked(settings) == {"hello-1": "suppressed", "hello-3": "suppressed"}
    # It was looked at and not landed: the next run does that.
    assert not Warehouse(settings.warehouse).exists("raw.sendgrid_events")
    assert len(land(settings)) == 1


def test_what_landed_and_is_not_built_counts_and_what_is_built_is_dbts(settings: Settings) -> None:
    event = {"event_id": "e1", "event": "unsubscribed", "email": "person.3@example.com", "occurred_at": "2018-01-01"}
    write(settings, "esp/events", event)
    (load,) = land(settings)
    assert revoked(settings) == {"hello-3": "suppressed"}
    Warehouse(settings.warehouse).replace("core.refresh_loads", pa.table({"load_id": [load.load_id]}))
    assert revoked(settings) == {}


@pytest.mark.parametrize(
    ("label", "row", "is_revoked"),
    [
        ("esp/events", {"event_id": "e", "event": "bounced", "reason": "550 no such user"}, True),
        ("esp/events", {"event_id": "e", "event": "bounced", "reason": "452 mailbox full"}, False),
        ("esp/events", {"event_id": "e", "event": "clicked"}, False),
        ("sendgrid/suppressions", {"list": "spam_reports", "created": 1_514_800_000}, True),
        ("sendgrid/suppressions", {"list": "blocks", "created": 1_514_800_000}, False),
    ],
)
def test_a_word_counts_as_the_next_build_would_take_it(
    settings: Settings, label: str, row: dict[str, object], is_revoked: bool
) -> None:
    write(settings, label, {**row, "email": "person.3@example.com", "occurred_at": "2018-01-01T10:00:00Z"})
    assert revoked(settings) == ({"hello-3": "suppressed"} if is_revoked else {})


def test_mailchimps_calls_count(settings: Settings) -> None:
    data = {"email": "person.3@example.com", "reason": "manual"}
    write(settings, "mailchimp/events", {"type": "unsubscribe", "fired_at": "2018-01-01 10:00:00", "data": data})
    assert revoked(settings) == {"hello-3": "suppressed"}


def test_a_consent_that_is_withdrawn_stops_its_own_purpose_alone(settings: Settings) -> None:
    withdrawn = {"contact_id": "c2", "purpose": "offers", "action": "withdrawn", "occurred_at": "2018-01-01T10:00:00Z"}
    write(settings, "crm/consents", withdrawn)
    assert revoked(settings) == {"hello-2": "no_consent"}


@pytest.mark.parametrize(
    "later",
    [
        {"action": "granted", "occurred_at": "2018-01-02T10:00:00Z"},
        # Older than the decision that is built.
        {"action": "withdrawn", "occurred_at": "2017-05-01T10:00:00Z"},
    ],
)
def test_what_was_decided_otherwise_later_withdraws_nothing(settings: Settings, later: dict[str, str]) -> None:
    who = {"email": "person.2@example.com", "purpose": "offers"}
    rows = [{**who, **later}]
    if later["action"] == "granted":
        rows.append({**who, "action": "withdrawn", "occurred_at": "2018-01-01T10:00:00Z"})
    write(settings, "crm/consents", *rows)
    assert revoked(settings) == {}


def test_an_address_that_nobody_is_known_by_is_heard_too(settings: Settings) -> None:
    write(settings, "sendgrid/events", sendgrid("new@example.com", "unsubscribe"))
    assert late_words(settings, Warehouse(settings.warehouse)) == [Word("new@example.com", None, "suppressed")]


def test_a_home_that_was_never_built_hears_nothing(tmp_path: Path) -> None:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    assert late_words(settings, Warehouse(settings.warehouse)) == []
