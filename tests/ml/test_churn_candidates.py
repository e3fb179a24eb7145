"""What competes for churn promises: sums that are exact, a choice by held-out time, the same bytes each time."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from skops.io import dumps

from ml import churn, churn_candidates, evaluation
from ml.churn_features import FAMILIES, FEATURES
from tests.ml.test_churn import people, replace

MONTHS = [datetime(2024, month, 1) for month in range(1, 7)]


@pytest.fixture(scope="module")
def examples() -> pa.Table:
    train = [people(250, seed=place, cutoff=cutoff) for place, cutoff in enumerate(MONTHS)]
    return pa.concat_tables([*train, people(400, seed=99, split="test", cutoff=datetime(2024, 8, 1))])


@pytest.fixture(scope="module")
def model(examples: pa.Table) -> churn.ChurnModel:
    return churn.fit(examples)


def test_all_four_compete_and_the_best_on_the_last_training_cutoffs_is_used(
    model: churn.ChurnModel, examples: pa.Table
) -> None:
    assert set(model.candidates) == set(model.chosen_by) == {"boosting", "logistic", "bg_nbd", "recency"}
    assert model.chosen_by[model.method] == max(model.chosen_by.values())
    rows = evaluation.evaluate_churn(model, examples, version="v1").to_pylist()
    measured = {(row["model"], row["split"]) for row in rows if row["metric"] == "average_precision"}
    assert measured == {("churn", "test")} | {
        (f"churn_{name}", split) for name in model.candidates for split in ("validation", "test")
    }


def test_an_interval_holds_its_figure(model: churn.ChurnModel, examples: pa.Table) -> None:
    rows = evaluation.evaluate_churn(model, examples, version="v1").to_pylist()

    for row in (row for row in rows if row["split"] == "test" and row["metric"] in ("roc_auc", "average_precision")):
        assert row["value_low"] < row["value"] < row["value_high"]


@pytest.mark.parametrize("name", ["boosting", "logistic", "bg_nbd", "recency"])
def test_what_the_families_add_is_the_whole_score(model: churn.ChurnModel, examples: pa.Table, name: str) -> None:
    candidate = model.candidates[name]

    parts = candidate.contributions(examples)

    assert parts.shape == (examples.num_rows, len(FAMILIES))
    log_odds = candidate.base + parts.sum(axis=1)
    assert churn_candidates.probability(candidate, examples) == pytest.approx(1 / (1 + np.exp(-log_odds)))


def test_the_families_of_the_trees_add_up_to_what_scikit_learn_says(
    model: churn.ChurnModel, examples: pa.Table
) -> None:
    boosting = model.candidates["boosting"]
    assert isinstance(boosting, churn_candidates.Boosting)

    ours = churn_candidates.probability(boosting, examples)

    matrix = np.column_stack([examples[name].to_numpy() for name in FEATURES])
    assert ours == pytest.approx(boosting.trees.predict_proba(matrix)[:, 1], abs=1e-9)


def test_a_family_alone_moves_its_contribution_alone(model: churn.ChurnModel, examples: pa.Table) -> None:
    boosting = model.candidates["boosting"]
    changed = examples
    for name in FAMILIES["spending"]:
        changed = replace(changed, name, np.full(examples.num_rows, 0.9))

    difference = boosting.contributions(changed) - boosting.contributions(examples)

    moved = {family for place, family in enumerate(FAMILIES) if np.abs(difference[:, place]).max() > 1e-12}
    assert moved <= {"spending"}


def test_the_same_examples_give_the_same_bytes(examples: pa.Table) -> None:
    from ml.store import _canonical

    assert _canonical(dumps(churn.fit(examples))) == _canonical(dumps(churn.fit(examples)))


def test_a_column_without_a_value_is_no_fault(examples: pa.Table) -> None:
    blind = examples
    for name in FEATURES:
        blind = replace(blind, name, pa.nulls(examples.num_rows, pa.float64()))

    model = churn.fit(blind)

    probability = churn.predict(model, blind)["churn_probability"].to_numpy()
    assert ((probability > 0) & (probability < 1)).all()
    # What had no value in training may have one later.
    assert churn.predict(model, examples)["churn_probability"].null_count == 0


def test_values_that_no_one_had_in_training_give_probabilities(model: churn.ChurnModel) -> None:
    strange = people(4)
    strange = replace(strange, "spent_90d_amount", [-1e12, 1e12, np.inf, np.nan])
    strange = replace(strange, "recency_days", [0.0, -5.0, 1e9, np.nan])
    strange = replace(strange, "acts_count", [100_000.0, 0.0, 1.0, np.nan])
    for name in model.candidates:
        probability = churn.predict_by(model, name, strange)
        assert ((probability > 0) & (probability < 1)).all()


def test_examples_that_came_twice_are_no_fault(examples: pa.Table) -> None:
    twice = pa.concat_tables([examples, examples])

    predictions = churn.predict(churn.fit(twice), examples)

    assert predictions.num_rows == examples.num_rows
