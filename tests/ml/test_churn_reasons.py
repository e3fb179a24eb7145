"""What the reasons of a score promise: facts in words, the strongest first, all pointing where the score points."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ml import churn
from ml.churn_features import FAMILIES, FEATURES
from ml.churn_reasons import REASONS, reasons
from tests.ml.test_churn import people, replace

PLACES = {name: place for place, name in enumerate(FAMILIES)}


def one(**values: float | None) -> pa.Table:
    return pa.table({name: pa.array([values.get(name, 0.0)], pa.float64()) for name in FEATURES})


def told(features: pa.Table, definition: str = "purchase", **contributions: float) -> list[str]:
    parts = np.zeros((1, len(FAMILIES)))
    for family, value in contributions.items():
        parts[0, PLACES[family]] = value
    found = reasons(features, parts, definition)
    return [text for name in REASONS if (text := found[name].to_pylist()[0]) is not None]


def test_the_strongest_come_first_in_words_with_the_persons_own_numbers() -> None:
    person = one(
        recency_days=48.4, mean_gap_days=12.2, acts_28d_count=0, acts_90d_count=1, spent_28d_amount=0,
        spent_90d_amount=12.5, tenure_days=200, quiet_share=0.25,
    )  # fmt: skip

    found = told(person, silence=2.0, frequency=1.0, spending=0.5, history=0.1, mail=-3.0)

    assert found == [
        "no order for 48 days, usually every 12",
        "0 orders in 28 days, 1 in 90",
        "spent 0.00 in 28 days, 12.50 in 90",
    ]


def test_what_points_against_the_score_is_no_reason() -> None:
    assert told(one(recency_days=1, mean_gap_days=None), silence=-2.0, frequency=1.0) == ["last order 1 day ago"]
    assert told(one(recency_days=9), frequency=1.0, silence=-0.5) == ["0 orders in 28 days, 0 in 90"]


def test_where_nothing_speaks_there_is_no_reason() -> None:
    assert told(one()) == []
    assert told(one(), mail=0.001) == []


def test_by_activity_the_words_are_of_acts() -> None:
    person = one(recency_days=10, mean_gap_days=2, acts_28d_count=1, acts_90d_count=20)

    assert told(person, "activity", silence=1.0, frequency=0.5) == [
        "no act for 10 days, usually every 2",
        "1 active day in 28 days, 20 in 90",
    ]


def test_money_given_back_reads_as_money() -> None:
    assert told(one(spent_28d_amount=-3.05, spent_90d_amount=1234.5), spending=1.0) == [
        "spent -3.05 in 28 days, 1234.50 in 90"
    ]


def test_every_reason_of_a_model_points_where_its_score_points() -> None:
    examples = people(600)
    model = churn.fit(examples)
    longer = replace(people(2), "recency_days", [400.0, 0.0])
    longer = replace(longer, "acts_28d_count", [0.0, 12.0])

    gone, here = churn.predict(model, longer).to_pylist()

    assert gone["churn_probability"] > here["churn_probability"]
    assert "no order for 400 days, usually every 1" in (gone["reason_1"], gone["reason_2"])
    assert any(reason and reason.startswith("12 orders") for reason in (here["reason_1"], here["reason_2"]))


def test_the_base_rate_has_no_reasons() -> None:
    (row,) = churn.predict(churn.fit(people(0)), people(1)).to_pylist()

    assert row["method"] == "base_rate"
    assert [row[name] for name in REASONS] == [None, None, None]
