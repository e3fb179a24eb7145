"""From landed events to invitations: who gets which, who gets none, and what is taken back when an event fills up."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.delivery import planner
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.revoked import revoked_messages
from orchestration.settings import CAMPAIGNS, Settings, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaign
from rendering.links import Site
from tests.building import LANDED_AT, build, land, prepare

AS_OF = datetime(2018, 1, 1)
PEOPLE = {
    "taster": ("New York", ["wine"]),
    "baker": ("Chicago", ["baking", "wine"]),
    "late": ("Chicago", ["pets"]),
    "loner": ("Chicago", []),
}
EVENTS = ("event_id", "name", "topic", "starts_at", "city", "capacity", "registered_count", "updated_at")
TABLES = ["message_candidates", "revoked_messages", "exclusions", "quarantine", "load_reconciliation"]


def write(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("events")
    landing = home / "landing"
    write(
        landing / "crm/contacts/contacts.csv",
        ("contact_id", "email", "signed_up_at", "first_name", "city", "preferences"),
        [
            (name, f"{name}@example.com", "2017-06-01", name, city, json.dumps(likes))
            for name, (city, likes) in PEOPLE.items()
        ],
    )
    write(
        landing / "crm/consents/consents.csv",
        ("contact_id", "purpose", "action", "occurred_at"),
        [(name, "newsletter", "granted", "2017-06-01") for name in PEOPLE],
    )
    write(
        landing / "crm/events/events.csv",
        EVENTS,
        [
            ("tasting", "Six glasses", "wine", "2018-01-18T19:00:00-05:00", "New York", 40, 39, "2017-12-01"),
            ("loaves", "A loaf in three hours", "baking", "2018-01-27T10:00:00-06:00", "", "", "", "2017-12-01"),
            ("puppies", "Puppies", "pets", "2017-12-30T10:00:00-06:00", "", "", "", "2017-12-01"),
            ("soon", "Soon", "wine", "in a while", "", "", "", "2017-12-01"),
        ],
    )
    settings = load_settings({"SINCERELY_HOME": str(home)})
    land(settings)
    prepare(settings, AS_OF)
    build(home, AS_OF, TABLES, is_tested=True)
    return settings


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in Warehouse(settings.warehouse).rows(sql)]


def test_people_are_invited_by_what_they_like_and_where_they_live(settings: Settings) -> None:
    invited = rows(
        settings,
        "select first_name, event_id from core.event_invitations inner join core.profiles using (person_id) order by 1",
    )
    assert invited == [("baker", "loaves"), ("taster", "tasting")]
    audience = rows(
        settings,
        """
        select first_name from core.message_candidates
        inner join core.profiles using (person_id)
        where campaign = 'event_invitation' order by 1
        """,
    )
    assert audience == [("baker",), ("taster",)]


def test_an_event_without_a_time_is_in_quarantine(settings: Settings) -> None:
    refused = rows(settings, "select entity, row_number, reason from quality.quarantine")
    assert refused == [("events", 4, "starts_at is no ISO 8601 time")]


def test_an_invitation_to_an_event_that_filled_up_before_it_left_is_taken_back(settings: Settings) -> None:
    outbox, warehouse = Outbox(settings.outbox_url), Warehouse(settings.warehouse)
    campaign = load_campaign(CAMPAIGNS / "event_invitation")
    site = Site("https://mail.example.com", b"sixteen bytes or more")
    plan = planner.plan(warehouse, outbox, campaign, site, AS_OF.replace(tzinfo=UTC))
    assert (plan.planned + plan.held_out, plan.failed) == (2, {})

    full = ("loaves", "A loaf in three hours", "baking", "2018-01-27T10:00:00-06:00", "", 20, 20, "2018-01-02")
    write(settings.landing / "crm/events/later.csv", EVENTS, [full])
    land(settings, LANDED_AT)
    prepare(settings, datetime(2018, 1, 3))
    build(settings.home, datetime(2018, 1, 3), TABLES)

    taken_back = {
        (email, reason)
        for message_id, reason in revoked_messages(warehouse).items()
        for (email,) in rows(settings, f"select email from raw.outbox_messages where message_id = '{message_id}'")
    }
    assert taken_back == {("baker@example.com", "no_event")}
    assert ("loaves",) not in rows(settings, "select event_id from core.event_invitations")
