"""Churn's examples as a real build makes them: blind to the future, by either definition, whatever the data holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml import churn, lifetime
from orchestration.settings import load_settings
from tests.building import LANDED_AT, build, land, land_and_build, prepare

AS_OF = datetime(2018, 1, 1)
TEST_CUTOFF = datetime(2017, 12, 1)
TABLES = ("churn_examples", "lifetime_summaries")
PEOPLE = range(12)


def write(home: Path, name: str, header: str, rows: Iterable[str]) -> None:
    path = home / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n")


def events(home: Path, name: str, rows: Iterable[dict[str, object]]) -> None:
    path = home / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def shop(home: Path, name: str, days: Iterable[datetime]) -> None:
    """At each of the days everybody orders two products, visits, gets a message and opens it."""
    days = list(days)
    numbered = [(person, place, day + timedelta(hours=person)) for place, day in enumerate(days) for person in PEOPLE]
    write(
        home, f"shop/orders/{name}.csv", "order_id,customer_id,ordered_at,status",
        (f"{name}-{person}-{place},c{person},{at.isoformat()},placed" for person, place, at in numbered),
    )  # fmt: skip
    write(
        home, f"shop/order_lines/{name}.csv", "order_id,line_number,product_id,quantity,unit_price_amount",
        (
            f"{name}-{person}-{place},{line},{name}-p{place + line},1,{5 + person}.50"
            for person, place, _ in numbered for line in (1, 2)
        ),
    )  # fmt: skip
    events(
        home, f"web/events/{name}.jsonl",
        (
            {"message_id": f"{name}-w{person}-{place}", "type": "page", "timestamp": at.isoformat(),
             "anonymous_id": f"a{person}", "user_id": f"c{person}"}
            for person, place, at in numbered
        ),
    )  # fmt: skip
    write(
        home, f"esp/messages/{name}.csv", "message_id,email,campaign,sent_at",
        (f"{name}-m{person}-{place},p{person}@example.com,news,{at.isoformat()}" for person, place, at in numbered),
    )  # fmt: skip
    write(
        home, f"esp/events/{name}.csv", "event_id,event,email,occurred_at,message_id",
        (
            f"{name}-e{person}-{place},opened,p{person}@example.com,{at.isoformat()},{name}-m{person}-{place}"
            for person, place, at in numbered
        ),
    )  # fmt: skip


def contacts(home: Path) -> None:
    write(
        home, "crm/contacts/all.csv", "contact_id,email,signed_up_at",
        (f"c{person},p{person}@example.com,2017-01-01" for person in PEOPLE),
    )  # fmt: skip


def rows(home: Path, sql: str) -> pa.Table:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.sql(sql).to_arrow_table()


def features(home: Path, until: datetime) -> pa.Table:
    return rows(home, f"from ml.churn_features where cutoff <= timestamp '{until}' order by cutoff, person_id")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    contacts(home)
    shop(home, "past", (datetime(2017, 3, 1) + timedelta(days=23 * place) for place in range(13)))
    land_and_build(home, AS_OF, TABLES)
    return home


def test_no_feature_at_any_cutoff_moves_whatever_happens_after_it(home: Path) -> None:
    before, summed_up = features(home, AS_OF), rows(home, "from ml.lifetime_summaries order by all")
    assert before.num_rows > 100
    # Poison: all that a person can do, at the very instant of as_of and after it.
    shop(home, "later", (AS_OF, AS_OF + timedelta(seconds=1), AS_OF + timedelta(days=9)))
    land_and_build(home, AS_OF, TABLES)
    assert features(home, AS_OF).equals(before)
    assert rows(home, "from ml.lifetime_summaries order by all").equals(summed_up)

    # The same between the test's cutoff and as_of; and an order of long ago is refunded, another cancelled.
    before = features(home, TEST_CUTOFF)
    shop(home, "horizon", (TEST_CUTOFF, TEST_CUTOFF + timedelta(seconds=1), TEST_CUTOFF + timedelta(days=20)))
    write(
        home, "shop/orders/refunds.csv", "order_id,customer_id,ordered_at,status",
        ("past-1-3,c1,2017-05-09T01:00:00,refunded", "past-2-4,c2,2017-06-01T02:00:00,cancelled"),
    )  # fmt: skip
    land_and_build(home, AS_OF, TABLES, LANDED_AT + timedelta(days=1))
    assert rows(home, "from core.orders where not is_purchase").num_rows == 2
    after = features(home, TEST_CUTOFF)
    for name in before.column_names:
        assert after[name].equals(before[name]), name


def test_training_and_scoring_read_the_same_columns(home: Path) -> None:
    table = rows(home, "from ml.churn_examples order by cutoff, person_id")
    score = table.filter(pc.equal(table["split"], "score"))

    assert set(churn.FEATURES) <= set(table.column_names)
    assert score["is_churned"].null_count == score.num_rows == len(PEOPLE)
    assert churn.predict(churn.fit(table), score).num_rows == len(PEOPLE)


def test_a_home_without_a_shop_has_churn_by_activity(tmp_path: Path) -> None:
    contacts(tmp_path)
    quiet = {1, 4, 7}
    events(
        tmp_path, "web/events/all.jsonl",
        (
            {"message_id": f"w{person}-{day}", "type": "page", "anonymous_id": f"a{person}", "user_id": f"c{person}",
             "timestamp": (datetime(2017, 4, 1) + timedelta(days=day, hours=person)).isoformat()}
            for person in PEOPLE for day in range(0, 150 if person in quiet else 270, 2 + person)
        ),
    )  # fmt: skip
    write(
        tmp_path, "esp/events/all.csv", "event_id,event,email,occurred_at",
        (f"e{person},opened,p{person}@example.com,2017-11-05T10:00:00" for person in PEOPLE),
    )  # fmt: skip
    land(load_settings({"SINCERELY_HOME": str(tmp_path)}))
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    prepare(settings, AS_OF)
    build(tmp_path, AS_OF, ("churn_examples",), churn_definition="activity")

    table = rows(tmp_path, "from ml.churn_examples order by cutoff, person_id")
    test = table.filter(pc.equal(table["split"], "test"))
    assert test["is_churned"].to_pylist().count(True) == len(quiet)
    model = churn.fit(table.filter(table["is_in_population"]))
    scored = churn.predict(model, table.filter(pc.equal(table["split"], "score")), definition="activity")
    assert scored.num_rows == len(PEOPLE)
    assert any("act" in (reason or "") for reason in scored["reason_1"].to_pylist())


def test_bad_purchases_end_in_a_table_and_a_message(tmp_path: Path) -> None:
    contacts(tmp_path)
    start = datetime(2017, 2, 1)
    lines = [f"o{place},c{place % 9},{(start + timedelta(days=place)).isoformat()}" for place in range(320)]
    # Twice each, one product, some of it given back; and a person with 100,000 visits.
    write(tmp_path, "shop/orders/all.csv", "order_id,customer_id,ordered_at", lines + lines)
    paid = [f"o{place},1,only,1,{-3 if place % 7 == 0 else 8},{20 if place % 5 == 0 else 0}" for place in range(320)]
    write(
        tmp_path, "shop/order_lines/all.csv",
        "order_id,line_number,product_id,quantity,unit_price_amount,discount_amount", paid + paid,
    )  # fmt: skip
    events(
        tmp_path, "web/events/all.jsonl",
        (
            {"message_id": f"w{place}", "type": "page", "anonymous_id": "a0", "user_id": "c0",
             "timestamp": (start + timedelta(minutes=4 * place)).isoformat()}
            for place in range(100_000)
        ),
    )  # fmt: skip
    land_and_build(tmp_path, AS_OF, TABLES)

    table = rows(tmp_path, "from ml.churn_examples order by cutoff, person_id")
    score = table.filter(pc.equal(table["split"], "score"))
    model = churn.fit(table)
    assert model.is_fallback and "instead of" in model.note
    assert churn.predict(model, score)["churn_probability"].null_count == 0
    assert sum(score["acts_count"].to_pylist()) == 320
    assert max(score["products_count"].to_pylist()) == 1
    summaries = rows(tmp_path, "from ml.lifetime_summaries where split = 'score' order by person_id")
    values = lifetime.predict(lifetime.fit(summaries), summaries, at=AS_OF, horizon_days=365)
    assert min(values["expected_value_amount"].to_pylist()) >= 0


def test_without_any_purchase_the_tables_are_there_and_empty(tmp_path: Path) -> None:
    contacts(tmp_path)
    land_and_build(tmp_path, AS_OF, TABLES)

    table = rows(tmp_path, "from ml.churn_examples")
    model = churn.fit(table)
    assert table.num_rows == 0
    assert model.note == "no training examples: base rate instead of gradient boosting"
    assert churn.predict(model, table).num_rows == 0
    assert "0 people" in lifetime.fit(rows(tmp_path, "from ml.lifetime_summaries")).note
