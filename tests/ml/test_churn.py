"""What churn.py and evaluation.py promise."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import churn, evaluation
from ml.errors import FeatureError


def people(count: int, *, seed: int = 1, split: str = "train", cutoff: datetime = datetime(2024, 1, 1)) -> pa.Table:
    """People who churn when they are long gone or, unseen by recency, when their orders are few."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.random(count) for name in churn.FEATURES}
    columns["recency_days"] = rng.exponential(20, count)
    columns["acts_28d_count"] = rng.poisson(3, count).astype(float)
    chance = 1 / (1 + np.exp(-(columns["recency_days"] / 10 - 2 * columns["acts_28d_count"] + 1)))
    return pa.table(
        {
            "person_id": [f"p{i:05d}" for i in range(count)],
            "cutoff": pa.array([cutoff] * count, pa.timestamp("us")),
            "split": [split] * count,
            "is_churned": rng.random(count) < chance,
            **columns,
        }
    )


def replace(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def test_the_model_beats_recency_on_people_it_has_not_seen() -> None:
    examples = pa.concat_tables([people(800), people(400, seed=2, split="test")])

    table = evaluation.evaluate_churn(churn.fit(examples), examples, version="v1")

    row = {r["metric"]: r for r in table.to_pylist() if r["model"] == "churn"}
    assert row["roc_auc"]["value"] > row["roc_auc"]["baseline_value"] + 0.1
    assert row["brier"]["value"] < row["brier"]["baseline_value"] - 0.05
    assert {r["version"] for r in table.to_pylist()} == {"v1"}


def test_the_test_split_never_reaches_the_model() -> None:
    train = people(300)
    test = people(300, seed=2, split="test")
    upside_down = replace(test, "is_churned", [not c for c in test["is_churned"].to_pylist()])

    one = churn.predict(churn.fit(pa.concat_tables([train, test])), test)
    other = churn.predict(churn.fit(pa.concat_tables([train, upside_down])), test)

    assert one.equals(other)


def test_the_order_of_the_examples_does_not_change_a_prediction() -> None:
    examples = people(300)
    shuffled = examples.take(np.random.default_rng(0).permutation(300))

    one, other = churn.fit(examples), churn.fit(shuffled)

    assert churn.predict(one, examples).equals(churn.predict(other, examples))


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        (people(0), "no training examples: base rate"),
        (replace(people(300), "is_churned", [False] * 300), "all ended alike: base rate"),
        (people(199), "199 training examples, fewer than 200: recency alone"),
        (people(15), "15 training examples, fewer than 200: base rate"),
        (replace(people(300), "is_churned", [True] * 19 + [False] * 281), "19 of 300 training examples churned"),
        (replace(people(300), "is_churned", [False] * 2 + [True] * 298), "2 of 300 training examples stayed"),
        (people(300, split="test"), "no training examples: base rate"),
    ],
)
def test_thin_data_falls_back_and_says_so(examples: pa.Table, words: str) -> None:
    model = churn.fit(examples)

    probability = churn.predict(model, people(5))["churn_probability"].to_numpy()

    assert model.is_fallback
    assert words in model.note
    assert ((probability > 0) & (probability < 1)).all()


def test_two_hundred_examples_are_enough() -> None:
    assert not churn.fit(people(200)).is_fallback


def test_the_recency_fallback_rises_with_the_days_away() -> None:
    model = churn.fit(people(150))
    away = replace(people(4), "recency_days", [1.0, 10.0, 40.0, 90.0])

    probability = churn.predict(model, away)["churn_probability"].to_numpy()

    assert (np.diff(probability) > 0).all()


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FeatureError, match="tenure_days"):
        churn.fit(people(300).drop_columns(["tenure_days"]))


def test_predictions_keep_the_order_of_the_rows_and_take_nulls() -> None:
    model = churn.fit(people(300))
    features = people(3).take([2, 0, 1])
    features = replace(features, "sd_gap_days", pa.array([None, 1.0, None], pa.float64()))

    predictions = churn.predict(model, features)

    assert predictions["person_id"].to_pylist() == ["p00002", "p00000", "p00001"]
    assert predictions["churn_probability"].null_count == 0


def test_no_people_give_no_predictions() -> None:
    assert churn.predict(churn.fit(people(300)), people(0)).num_rows == 0


def test_a_risk_band_starts_at_its_threshold() -> None:
    predictions = pa.table({"person_id": list("abcd"), "churn_probability": [0.19, 0.2, 0.49, 0.5]})

    bands = churn.with_risk_bands(predictions, medium_from=0.2, high_from=0.5)["risk_band"].to_pylist()

    assert bands == ["low", "medium", "medium", "high"]


def test_risk_bands_out_of_order_are_refused() -> None:
    predictions = pa.table({"person_id": ["a"], "churn_probability": [0.1]})
    with pytest.raises(ValueError, match="medium_from"):
        churn.with_risk_bands(predictions, medium_from=0.6, high_from=0.5)


def test_a_metric_without_held_out_rows_is_null() -> None:
    examples = people(300)

    table = evaluation.evaluate_churn(churn.fit(examples), examples, version="v1")

    for column in ("value", "baseline_value", "value_low", "value_high"):
        assert table[column].null_count == table.num_rows


def test_calibration_error_is_the_distance_of_forecast_and_outcome() -> None:
    happened = np.array([True] * 3 + [False] * 7)

    assert evaluation.expected_calibration_error(happened, np.full(10, 0.3), bins=1) == pytest.approx(0.0)
    assert evaluation.expected_calibration_error(happened, np.full(10, 0.8), bins=1) == pytest.approx(0.5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60))
def test_every_metric_of_any_forecast_is_between_0_and_1(forecasts: list[tuple[bool, float]]) -> None:
    happened = np.array([f[0] for f in forecasts])
    probability = np.array([f[1] for f in forecasts])

    scores = evaluation.binary_scores(happened, probability)

    assert all(value is None or -1e-9 <= value <= 1 + 1e-9 for value in scores.values())
    assert (scores["roc_auc"] is None) == (happened.all() or not happened.any())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=1, max_size=60))
def test_the_metrics_of_a_resample_are_those_of_a_forecast(forecasts: list[tuple[bool, float]]) -> None:
    happened = np.array([f[0] for f in forecasts])
    probability = np.array([f[1] for f in forecasts])

    assert evaluation.resampled_scores(happened, probability) == pytest.approx(
        evaluation.binary_scores(happened, probability)
    )
