"""A challenger earns its place: what training may replace, and what it says about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ml import champions, contest, lifetime, store
from orchestration.models import election, tables
from orchestration.settings import Settings

DAY = datetime(2024, 6, 1, tzinfo=UTC)
BETTER, WORSE, NOISE = (0.02, 0.01, 0.03), (-0.02, -0.03, -0.01), (0.001, -0.02, 0.02)


def metadata(day: int, **more: object) -> store.ModelMetadata:
    described = {"params": {"method": "trees"}, "held_out_from": DAY, "trained_until": DAY, **more}
    return store.ModelMetadata(name="lifetime", as_of=DAY + timedelta(days=day), data_fingerprint="x", **described)


def elect(
    home: Path, day: int, found: tuple = NOISE, known_at: datetime | None = None, decayed: str = "", **more: object
) -> election.Elected:
    def compare(champion: lifetime.LifetimeModel) -> contest.Comparison:
        assert champion.people_count != day
        return contest.Comparison("average precision", *found)

    return election.elect(
        Settings(home, known_at=known_at),
        lifetime.LifetimeModel(None, None, 1.0, day, "a note"),
        metadata(day, **more),
        compare=compare,
        question=("horizon_days",),
        decayed=lambda version: decayed,
    )


def test_the_first_version_is_in_use(tmp_path: Path) -> None:
    elected = elect(tmp_path, 1)

    assert elected.decision.decision == "promoted"
    assert store.champion(tmp_path / "models", "lifetime") == elected.version


@pytest.mark.parametrize(("found", "scoring"), [(BETTER, 2), (NOISE, 2), ((None,) * 3, 2), (WORSE, 1)])
def test_a_refresh_of_the_same_recipe_is_used_unless_it_is_worse(tmp_path: Path, found: tuple, scoring: int) -> None:
    elect(tmp_path, 1)

    elected = elect(tmp_path, 2, found)

    assert elected.model.people_count == scoring
    assert store.champion(tmp_path / "models", "lifetime") == elected.version


@pytest.mark.parametrize(("found", "scoring"), [(BETTER, 2), (NOISE, 1), ((None,) * 3, 1), (WORSE, 1)])
def test_another_recipe_has_to_beat_the_champion_by_more_than_noise(tmp_path: Path, found: tuple, scoring: int) -> None:
    elect(tmp_path, 1)

    elected = elect(tmp_path, 2, found, params={"method": "a line"})

    assert elected.model.people_count == scoring
    assert "another recipe (method)" in elected.sentence
    if scoring == 1:
        assert "is not in use" in elected.sentence


@pytest.mark.parametrize(("found", "scoring"), [(NOISE, 2), (WORSE, 1)])
def test_a_decayed_champion_is_replaced_by_what_is_not_worse(tmp_path: Path, found: tuple, scoring: int) -> None:
    elect(tmp_path, 1)

    elected = elect(tmp_path, 2, found, params={"method": "a line"}, decayed="its ranking fell")

    assert elected.model.people_count == scoring
    assert "has decayed (its ranking fell)" in elected.sentence


def test_a_champion_that_saw_the_held_out_time_does_not_hold_up_a_refresh(tmp_path: Path) -> None:
    elect(tmp_path, 1, trained_until=DAY + timedelta(days=1))

    elected = elect(tmp_path, 2, WORSE)

    assert elected.decision.decision == "promoted"
    assert "had seen a part" in elected.decision.reason


def test_a_pinned_champion_stays_until_it_is_released(tmp_path: Path) -> None:
    first = elect(tmp_path, 1).version
    champions.promote(tmp_path / "models", "lifetime", first, at=DAY, reason="mine", is_pinned=True)

    assert elect(tmp_path, 2, BETTER).version == first
    champions.release(tmp_path / "models", "lifetime", at=DAY)
    assert elect(tmp_path, 3, BETTER).model.people_count == 3


def test_a_pinned_champion_that_is_damaged_is_replaced_and_that_is_said(tmp_path: Path) -> None:
    first = elect(tmp_path, 1).version
    champions.promote(tmp_path / "models", "lifetime", first, at=DAY, reason="mine", is_pinned=True)
    (tmp_path / "models" / "lifetime" / first / "model.skops").write_bytes(b"not a model")

    elected = elect(tmp_path, 2)

    assert elected.is_challenger
    assert "not the file that was saved" in elected.sentence


def test_a_champion_for_other_features_or_another_question_is_replaced(tmp_path: Path) -> None:
    elect(tmp_path, 1)
    assert "other features" in elect(tmp_path, 2, WORSE, features=("a",)).sentence
    other = elect(tmp_path, 3, WORSE, features=("a",), params={"method": "trees", "horizon_days": 60})
    assert "another question (horizon_days)" in other.sentence
    assert other.is_challenger


def test_a_champion_that_cannot_score_is_replaced(tmp_path: Path) -> None:
    elect(tmp_path, 1)

    def compare(champion: object) -> contest.Comparison:
        raise ValueError("X has 44 features, but the model expects 43.")

    elected = election.elect(
        Settings(tmp_path), lifetime.LifetimeModel(None, None, 1.0, 2, ""), metadata(2), compare=compare
    )

    assert elected.is_challenger
    assert "cannot score today's rows (X has 44 features" in elected.sentence


def test_the_same_training_again_changes_nothing(tmp_path: Path) -> None:
    first = elect(tmp_path, 1)

    again = elect(tmp_path, 1)

    assert again.decision.decision == "unchanged"
    assert [each.decision for each in election.decisions(tmp_path / "models")] == ["promoted"]
    assert len(champions.history(tmp_path / "models", "lifetime")) == 1
    assert again.version == first.version


@pytest.mark.parametrize("known_at", [None, DAY])
def test_a_look_at_the_past_is_scored_by_what_was_known_then_and_moves_nothing(
    tmp_path: Path, known_at: datetime | None
) -> None:
    champion = elect(tmp_path, 5).version

    elected = elect(tmp_path, 6 if known_at else 1, BETTER, known_at=known_at)

    assert elected.decision.decision == "used_once"
    assert elected.is_challenger
    assert store.champion(tmp_path / "models", "lifetime") == champion


def test_every_decision_and_figure_is_a_row(tmp_path: Path) -> None:
    figures = {"lifetime": {"orders_mae": {"value": 1.0, "value_low": 0.9, "value_high": 1.1, "baseline_value": 2.0}}}
    elect(tmp_path, 1, metrics=figures)
    elect(tmp_path, 2, WORSE)

    decided = tables.decisions(tmp_path / "models").to_pylist()
    assert [(row["decision"], row["difference"]) for row in decided] == [("promoted", None), ("kept", -0.02)]
    assert decided[1]["scoring_version"] == decided[1]["champion_version"] == decided[0]["version"]
    assert decided[1]["decided_at"] == datetime(2024, 6, 3)
    assert tables.figures(tmp_path / "models").select(["metric", "value", "value_low"]).to_pylist() == [
        {"metric": "orders_mae", "value": 1.0, "value_low": 0.9}
    ]


def test_what_moves_both_models_alike_is_no_noise() -> None:
    rng = np.random.default_rng(0)
    people = rng.normal(0, 10, 500)

    found = contest.compare(
        "mean", 500, lambda places: (float(people[places].mean()) + 0.1, float(people[places].mean()))
    )

    assert found.low == pytest.approx(0.1) and found.high == pytest.approx(0.1)


def test_params_are_the_same_after_they_were_stored() -> None:
    stored = {"params": {"families": {"a": ["x"]}}}
    assert contest.differences(replace(metadata(1), params={"families": {"a": ("x",)}}), stored) == ""
