"""Invitations through the planner: each person's own event is printed and written down; without one nothing leaves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from orchestration.delivery import planner
from orchestration.delivery.outbox import Outbox
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns
from rendering.links import Site
from tests.orchestration.planning_world import candidates
from tests.outboxes import payloads as planned_payloads

NOW = datetime(2018, 1, 1, tzinfo=UTC)
SITE = Site("https://mail.example.com", b"sixteen bytes or more")


def invitation(person_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "event_id": "tasting-ny",
        "event_topic": "wine",
        "event_name": "Winter wines",
        "event_city": "New York",
        "event_url": "https://www.example.com/events/tasting-ny",
        "event_date": date(2018, 1, 18),
        **changes,
    }


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return next(each for each in load_campaigns() if each.name == "event_invitation")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    text, people = pa.string(), ("guest", "online", "uninvited")
    profile = {"email": "one@example.com", "timezone": "UTC", "currency": None, "topics": None, "first_name": "Ada"}
    rows = [{"person_id": name, **profile, "lifecycle_stage": "prospect"} for name in people]
    warehouse.replace("core.profiles", pa.Table.from_pylist(rows, pa.schema([(name, text) for name in rows[0]])))
    columns = ("product_id", "name", "category", "price_amount", "currency", "product_url", "image_url")
    warehouse.replace("core.products", pa.Table.from_pylist([], pa.schema([(name, text) for name in columns])))
    columns = ("person_id", "list", "product_id", "reason", "model_version", "rank")
    kinds = pa.schema([(name, pa.int64() if name == "rank" else text) for name in columns])
    warehouse.replace("ml.recommendations", pa.Table.from_pylist([], kinds))
    nowhere = invitation("online", event_id="recipes-online", event_city=None, event_url=None, event_name="Pantry")
    warehouse.replace("core.event_invitations", pa.Table.from_pylist([invitation("guest"), nowhere]))
    chosen = [
        {
            "message_id": f"m-{name}",
            "campaign": "event_invitation",
            "occurrence": "2018-01",
            "person_id": name,
            "variant": "by_date" if name == "online" else "plain",
        }
        for name in people
    ]
    warehouse.replace("core.message_candidates", candidates(chosen))
    return warehouse


def test_each_person_is_invited_to_their_own_event_and_it_is_written_down(
    tmp_path: Path, warehouse: Warehouse, campaign: Campaign
) -> None:
    outbox = Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")

    plan = planner.plan(warehouse, outbox, campaign, SITE, NOW)

    assert (plan.planned, plan.failed) == (2, {"there is no event to invite them to": 1})
    rows = {row["person_id"]: orjson.loads(row["decisions"]) for row in outbox.read_all().read_all().to_pylist()}
    assert {name: [each for each in rows[name] if each["slot"] == "event"] for name in rows} == {
        "guest": [{"slot": "event", "choice": "tasting-ny", "rule": "interest in wine"}],
        "online": [{"slot": "event", "choice": "recipes-online", "rule": "interest in wine"}],
    }
    payloads = {each.person_id: each for each in planned_payloads(outbox)}
    assert payloads["guest"].subject == "Ada, you are invited: Winter wines"
    assert payloads["online"].subject == "January 18, 2018: Pantry"
    assert "https://www.example.com/events/tasting-ny?utm_source=sincerely" in payloads["guest"].html
    assert "January 18, 2018 · New York" in unescape(payloads["guest"].html)
    assert "January 18, 2018 · online" in unescape(payloads["online"].html)
    assert "https://www.example.com/events?utm_source=sincerely" in payloads["online"].html


def test_a_campaign_that_invites_nobody_asks_for_no_event(campaign: Campaign) -> None:
    others = [each for each in load_campaigns() if not each.uses_events]
    assert all("event_invitations" not in planner.records_sql(each) for each in others)
    assert "event_invitations" in planner.records_sql(campaign)
