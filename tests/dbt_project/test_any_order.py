"""The same events give the same people, in whatever order and in whatever loads they come."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.landing import files
from orchestration.landing.contract import ENTITIES
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.building import build

# Six builds of a home of its own: the suite has the hourly refreshes, whose rows come late and out of order too.
pytestmark = pytest.mark.long

AS_OF = datetime(2017, 12, 31)
TABLES = ("identity_map", "identity_merges", "activity", "sessions", "orders", "consents", "profiles")
Record = tuple[str, dict[str, Any]]  # source/entity, row


def everything() -> list[Record]:
    """Forty people who sign up, log in and out on shared devices, buy as guests, change address, and get mail."""
    draw = random.Random(11)
    records: list[Record] = []

    def at(day: float) -> str:
        return (datetime(2017, 1, 1) + timedelta(days=day)).isoformat() + "Z"

    for n in range(40):
        day = draw.uniform(0, 300)
        contact, email, device = f"c{n}", f"person.{n}@example.com", f"d{n // 3}"
        row = {"contact_id": contact, "email": email, "signed_up_at": at(day), "first_name": f"Name {n}"}
        if n % 4 == 0:
            row["phone"] = f"+1 555 00000{n // 8:02d}"
        records.append(("crm/contacts", row))
        if n % 5 == 0:
            changed = {**row, "email": f"new.{n}@example.org", "updated_at": at(day + 20), "city": "New York"}
            records.append(("crm/contacts", changed))
        for action, after in (("granted", 0), ("withdrawn", 30)) if n % 6 == 0 else (("granted", 1),):
            records.append(
                (
                    "crm/consents",
                    {"contact_id": contact, "purpose": "offers", "action": action, "occurred_at": at(day + after)},
                )
            )
        for visit in range(3):
            start = day + visit * 9 + draw.uniform(-20, 5)
            for step in range(draw.randint(1, 4)):
                records.append(
                    (
                        "web/events",
                        {
                            "message_id": f"w{n}-{visit}-{step}",
                            "type": draw.choice(["page", "page", "track"]),
                            "event": draw.choice(["Product Viewed", "Signed Out"]),
                            "anonymous_id": device,
                            "user_id": contact if step == 1 else None,
                            "properties": {"path": f"/{step}", "product_id": f"p{n % 7}"},
                            "timestamp": at(start + step / 96),
                        },
                    )
                )
        for number in range(n % 4):
            order = {"order_id": f"o{n}-{number}", "ordered_at": at(day + number * 17)}
            order |= {"customer_id": contact} if number else {"email": f"guest.{n}@example.com"}
            if number == 2:
                order["email"] = f"Guest.{n}@example.com"
            records.append(("shop/orders", order))
            records.append(
                (
                    "shop/order_lines",
                    {
                        "order_id": order["order_id"], "line_number": 1, "product_id": f"p{n % 7}",
                        "quantity": 2, "unit_price_amount": "3.10",
                    },
                )
            )  # fmt: skip
        for event in ("delivered", "opened") if n % 2 else ():
            records.append(
                (
                    "esp/events",
                    {"event_id": f"e{n}-{event}", "event": event, "email": email.upper(), "occurred_at": at(day + 40)},
                )
            )
    return records


RECORDS = everything()


class Shop:
    """A warehouse of its own: lands loads in the order given and builds what says who people are."""

    def __init__(self, folder: Path) -> None:
        self._settings = load_settings({"SINCERELY_HOME": str(folder)})
        self._landed = datetime(2026, 1, 1, tzinfo=UTC)

    def people(self, loads: list[list[Record]]) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of the tables, in an order of their own."""
        warehouse = Warehouse(self._settings.warehouse)
        self._settings.warehouse.unlink(missing_ok=True)
        files.prepare(warehouse)
        for number, load in enumerate(loads):
            for entity in ENTITIES:
                rows = [row for label, row in load if label == entity.label]
                if not rows:
                    continue
                path = self._settings.landing / entity.label / f"{number}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(json.dumps(row) + "\n" for row in rows))
                landed = files.land(warehouse, self._settings.landing, entity, self._landed + timedelta(hours=number))
                assert {each.status for each in landed} <= {"landed", "repeated"}, landed
                path.unlink()
        build(self._settings.home, AS_OF, TABLES)
        with duckdb.connect(str(self._settings.warehouse), read_only=True) as connection:
            return {
                table: connection.execute(f"select * from core.{table} order by all").fetchall() for table in TABLES
            }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def at_once(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    return shop.people([RECORDS])


def test_the_events_have_merges_shared_devices_and_visits_in_them(at_once: dict[str, list[tuple[Any, ...]]]) -> None:
    contacts = {row[2] for row in at_once["identity_map"] if row[0] == "contact_id"}
    assert 30 < len(contacts) < 40
    assert len(at_once["identity_merges"]) > 3
    assert len(at_once["sessions"]) > 50


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), cuts=st.integers(2, 9))
def test_any_order_and_any_split_into_loads_gives_the_same_profiles(
    shop: Shop, at_once: dict[str, list[tuple[Any, ...]]], seed: int, cuts: int
) -> None:
    draw = random.Random(seed)
    shuffled = draw.sample(RECORDS, len(RECORDS))
    loads: list[list[Record]] = [[] for _ in range(cuts)]
    for record in shuffled:
        loads[draw.randrange(cuts)].append(record)
        if draw.random() < 0.1:  # sent again, in a later load or the same one
            loads[draw.randrange(cuts)].append(record)
    found = shop.people(loads)
    assert [table for table in TABLES if found[table] != at_once[table]] == []
