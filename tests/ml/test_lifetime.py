"""What lifetime.py promises: dates, orders and money, measured on held-out time, and less where data is thin."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml import lifetime

AT = datetime(2024, 1, 1)


def people(count: int, *, seed: int = 1, later_days: float = 90) -> pa.Table:
    """People with rates and values of their own, none of whom leaves."""
    rng = np.random.default_rng(seed)
    rate, age = rng.gamma(2.0, 0.02, count), rng.uniform(60, 360, count)
    repeats = rng.poisson(rate * age).astype(float)
    recency = np.where(repeats > 0, age * rng.beta(np.maximum(repeats, 1), 1), 0.0)
    each = rng.gamma(8.0, 5.0, count)
    later = rng.poisson(rate * later_days).astype(float)
    money = pa.decimal128(18, 2)
    return pa.table(
        {
            "person_id": [f"p{i:05d}" for i in range(count)],
            "split": ["test"] * count,
            "repeats_count": repeats,
            "recency_days": recency,
            "age_days": age,
            "valued_orders_count": repeats + 1,
            "valued_amount": pa.array(np.round((repeats + 1) * each, 2)).cast(money),
            "later_orders_count": later,
            "later_spent_amount": pa.array(np.round(later * each, 2)).cast(money),
        }
    )


def replace(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def test_orders_and_value_are_nearer_to_what_happens_than_past_rates() -> None:
    summaries = people(1500)

    rows = lifetime.evaluate(lifetime.fit(summaries), summaries, holdout_days=90, version="v").to_pylist()

    found = {row["metric"]: row for row in rows}
    assert found["orders_mae"]["value"] < found["orders_mae"]["baseline_value"]
    assert found["value_mae"]["value"] < found["value_mae"]["baseline_value"]
    assert abs(found["orders_bias"]["value"]) < 0.1
    assert found["orders_rank_correlation"]["value"] > 0.4
    assert all(row["value_low"] < row["value"] < row["value_high"] for row in rows)


def test_a_row_says_when_how_often_and_for_how_much() -> None:
    summaries = people(500)

    values = lifetime.predict(lifetime.fit(summaries), summaries, at=AT, horizon_days=365)

    assert values.column_names == [
        "person_id", "expected_next_order_at", "expected_orders_count", "expected_value_amount", "probability_alive",
        "horizon_days", "method",
    ]  # fmt: skip
    assert values["person_id"].equals(summaries["person_id"])
    assert values.schema.field("expected_value_amount").type == pa.decimal128(18, 2)
    assert pc.all(pc.greater(values["expected_next_order_at"], pa.scalar(AT, pa.timestamp("us")))).as_py()
    assert set(values["method"].to_pylist()) == {"bg_nbd"}


def test_a_longer_horizon_brings_more() -> None:
    summaries = people(500)
    model = lifetime.fit(summaries)

    month, year = (lifetime.predict(model, summaries, at=AT, horizon_days=days) for days in (30, 365))

    assert pc.all(pc.less(month["expected_orders_count"], year["expected_orders_count"])).as_py()
    assert month["expected_next_order_at"].equals(year["expected_next_order_at"])


@pytest.mark.parametrize(
    ("summaries", "words"),
    [
        (people(0), "0 people with an order, fewer than 200"),
        (people(199), "199 people with an order, fewer than 200"),
        (replace(people(300), "repeats_count", [0.0] * 300), "0 people who ordered again, fewer than 50"),
    ],
)
def test_thin_data_gives_past_rates_and_says_so(summaries: pa.Table, words: str) -> None:
    model = lifetime.fit(summaries)

    values = lifetime.predict(model, people(5), at=AT, horizon_days=90)

    assert model.is_fallback
    assert words in model.note
    assert set(values["method"].to_pylist()) == {"past_rate"}
    assert values["probability_alive"].null_count == 5


def test_without_people_every_figure_is_null() -> None:
    table = lifetime.evaluate(lifetime.fit(people(0)), people(0), holdout_days=90, version="v")

    assert table["value"].null_count == table.num_rows == 6


def test_refunds_and_a_hundred_thousand_orders_end_in_money() -> None:
    summaries = people(400)
    odd = summaries.slice(0, 3)
    odd = replace(odd, "repeats_count", [100_000.0, 0.0, 3.0])
    odd = replace(odd, "valued_orders_count", [100_001.0, 0.0, 0.0])
    odd = replace(odd, "valued_amount", pa.array([Decimal("1000000.00"), Decimal("-5.00"), None], pa.decimal128(18, 2)))

    values = lifetime.predict(lifetime.fit(summaries), odd, at=AT, horizon_days=365)

    orders = values["expected_orders_count"].to_numpy()
    assert np.isfinite(orders).all()
    assert values["expected_value_amount"].null_count == 0
    assert all(amount >= 0 for amount in values["expected_value_amount"].to_pylist())


def test_the_order_of_people_does_not_change_a_value() -> None:
    summaries = people(400)
    shuffled = summaries.take(np.random.default_rng(0).permutation(400))

    assert lifetime.fit(summaries) == lifetime.fit(shuffled)
