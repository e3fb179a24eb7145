"""An experiment from the outbox and landed files to its results: the true lifts come out, and hold-outs count."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from orchestration.delivery.decided import withheld
from orchestration.delivery.esp.base import Answer
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.experiments import outcomes
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.building import build, land, prepare
from tests.orchestration.test_outbox import payload
from tests.outboxes import leases

PEOPLE = 4000
PLANNED_AT = datetime(2017, 12, 1, 8)
AS_OF = datetime(2017, 12, 31)
# What each arm's people do, in shares of them.
OPENS = {"short": 0.30, "long": 0.40}
ORDERS = {"short": 0.20, "long": 0.20, "holdout": 0.10}
SHARES = {"short": 0.4, "long": 0.4, "holdout": 0.2}


def write(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which one campaign was sent a month ago, to two variants and not to a hold-out."""
    home = tmp_path_factory.mktemp("experiment")
    rng = np.random.default_rng(4)
    arms = rng.choice(list(SHARES), PEOPLE, p=list(SHARES.values()))
    ids = [f"c{number}" for number in range(PEOPLE)]
    ordered = [each for each, arm in zip(ids, arms, strict=True) if rng.random() < ORDERS[arm]]
    opened = [each for each, arm in zip(ids, arms, strict=True) if arm in OPENS and rng.random() < OPENS[arm]]
    landing = home / "landing"
    write(
        landing / "crm/contacts/contacts.csv",
        ["contact_id", "email", "signed_up_at"],
        [[each, f"{each}@example.com", "2017-01-01"] for each in ids],
    )
    write(
        landing / "shop/orders/orders.csv",
        ["order_id", "customer_id", "ordered_at", "currency"],
        [[f"o-{each}", each, (PLANNED_AT + timedelta(days=2)).isoformat(), "USD"] for each in ordered],
    )
    write(
        landing / "shop/order_lines/lines.csv",
        ["order_id", "line_number", "product_id", "quantity", "unit_price_amount"],
        [[f"o-{each}", 1, "p", 1, f"{rng.lognormal(3, 0.5):.2f}"] for each in ordered],
    )
    write(
        landing / "esp/events/events.csv",
        ["event_id", "event", "email", "occurred_at", "message_id"],
        [
            [f"e-{each}", "opened", f"{each}@example.com", (PLANNED_AT + timedelta(hours=9)).isoformat(), f"m-{each}"]
            for each in opened
        ],
    )
    settings = load_settings({"SINCERELY_HOME": str(home)})
    land(settings)
    prepare(settings, AS_OF)
    with_campaign(Warehouse(settings.warehouse))
    build(home, AS_OF, ["identity_map"])
    send(settings, dict(zip(ids, arms, strict=True)))
    prepare(settings, AS_OF)
    with_campaign(Warehouse(settings.warehouse))
    build(home, AS_OF, ["experiment_outcomes", "campaign_results"], is_tested=True)
    return home


def with_campaign(warehouse: Warehouse) -> None:
    """Puts one campaign of two variants and a hold-out in the place of the project's own."""
    campaigns = {"campaign": "hello", "occurrence": "once", "purpose": "offers", "priority": 1}
    segment = {"holdout_share": SHARES["holdout"], "role": "include", "segment": "active_people"}
    warehouse.replace("raw.campaigns", pa.Table.from_pylist([campaigns | segment]))
    halves = [("short", 0.0, 0.5), ("long", 0.5, 1.0)]
    warehouse.replace(
        "raw.campaign_variants",
        pa.Table.from_pylist(
            [{"campaign": "hello", "variant": name, "from_share": low, "to_share": high} for name, low, high in halves]
        ),
    )


def send(settings: Any, arms: dict[str, str]) -> None:
    """Plans and hands over through the real outbox; some of what was planned is refused."""
    known = Warehouse(settings.warehouse).rows(
        "select identifier, person_id from core.identity_map where identifier_type = 'contact_id'"
    )
    people = {row["identifier"]: row["person_id"] for row in known}
    outbox = Outbox(settings.outbox_url)
    planned = []
    for contact, arm in sorted(arms.items()):
        identity = {"message_id": f"m-{contact}", "campaign": "hello", "occurrence": "once"}
        if arm == "holdout":
            planned.append(
                Planned(**identity, person_id=people[contact], variant="short", decisions=withheld("campaign_holdout"))
            )
        else:
            made = payload(0)._replace(message_id=f"m-{contact}", to_email=f"{contact}@example.com")
            planned.append(Planned(**identity, person_id=people[contact], variant=arm, payload=made))
    outbox.plan(planned, PLANNED_AT)
    for lease in leases(outbox):
        refused = {each.message_id: "mailbox full" for each in lease.messages[:40]}
        begun = outbox.settling.begin(lease, lease.messages, "folder", True, PLANNED_AT)
        outbox.settling.settle(lease, begun.going, Answer(rejected=refused), PLANNED_AT + timedelta(hours=8))


def rows(home: Path) -> dict[tuple[str, str], dict[str, Any]]:
    warehouse = Warehouse(home / "warehouse.duckdb")
    return {(row["variant"], row["metric"]): row for row in outcomes.measure(warehouse).to_pylist()}


def test_the_lifts_that_are_there_are_found_and_no_others(home: Path) -> None:
    found = rows(home)

    opens, orders = found["long", "human_open_rate"], found["all", "conversion_rate"]
    assert (opens["control"], orders["control"]) == ("short", "holdout")
    assert opens["lift_low"] < 0.40 / 0.30 - 1 < opens["lift_high"]
    assert opens["p_value"] < 0.001
    assert orders["lift_low"] < 1.0 < orders["lift_high"]
    assert found["long", "conversion_rate"]["p_value"] > 0.01
    assert found["all", "revenue_per_recipient"]["lift_low"] > 0
    assert ("all", "human_open_rate") not in found
    assert all(row["is_sample_ratio_ok"] and row["is_final"] for row in found.values())
    assert opens["people_count"] + opens["control_people_count"] == found["all", "conversion_rate"]["people_count"]


def test_what_was_withheld_is_no_result_of_the_campaign(home: Path) -> None:
    warehouse = Warehouse(home / "warehouse.duckdb")
    sent = warehouse.rows("select sum(recipients) as n, sum(conversions) as c from measurement.campaign_results")[0]
    assigned = rows(home)["all", "conversion_rate"]

    assert sent["n"] == assigned["people_count"] - 40
    assert sent["c"] <= assigned["value"] * assigned["people_count"]


def test_an_arm_that_lost_people_is_told(home: Path) -> None:
    warehouse = Warehouse(home / "warehouse.duckdb")
    table = warehouse.table(outcomes.OUTCOMES_SQL)
    lost = [
        row | {"people_count": row["people_count"] // 2} if row["arm"] == "long" else row for row in table.to_pylist()
    ]
    from ml import experiments

    (words,) = outcomes.mismatches(experiments.results(pa.Table.from_pylist(lost, table.schema)))

    assert words.startswith("hello: its arms have other sizes than campaign.yml draws")
    assert outcomes.mismatches(experiments.results(table)) == []
