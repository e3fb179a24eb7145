"""What comparing.py promises, on experiments whose truth is known: intervals cover, A/A finds nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.comparing import Comparison, Sums, compare

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[Sums, Sums]]
ROUNDS = 1500
# 95 % of so many rounds, give or take three standard errors.
COVERS = pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / ROUNDS))


def sums(messages: Floats, acts: Floats) -> Sums:
    """The sums of one arm, from a messages and an acts figure for each person."""
    return Sums(
        len(messages),
        float(messages.sum()),
        float((messages**2).sum()),
        float(acts.sum()),
        float((acts**2).sum()),
        float((acts * messages).sum()),
    )


def once(people: int, acts: int) -> Sums:
    """People with one message each, of whom so many acted."""
    return Sums(people, people, people, acts, acts, acts)


def shares(first: int, second: int, rate: float, other: float) -> Draw:
    """One message a person."""
    return lambda rng: (once(first, rng.binomial(first, rate)), once(second, rng.binomial(second, other)))


def clustered(people: int, rate: float, other: float) -> Draw:
    """One to eight messages a person, and persons who differ widely in how much they open."""

    def arm(rng: np.random.Generator, mean: float) -> Sums:
        messages = rng.integers(1, 9, people).astype(float)
        leaning = rng.beta(mean, 1 - mean, people)
        return sums(messages, rng.binomial(messages.astype(int), leaning).astype(float))

    return lambda rng: (arm(rng, rate), arm(rng, other))


def money(people: int, rate: float, other: float) -> Draw:
    """Most spend nothing, some spend amounts with a long tail, of a mean of 20."""

    def arm(rng: np.random.Generator, share: float) -> Sums:
        spent = rng.random(people) < share
        return sums(np.ones(people), spent * rng.lognormal(math.log(20) - 0.32, 0.8, people))

    return lambda rng: (arm(rng, rate), arm(rng, other))


def simulate(draw: Draw, *, is_share: bool) -> list[Comparison]:
    rng = np.random.default_rng(11)
    return [compare(*draw(rng), is_share=is_share) for _ in range(ROUNDS)]


def holds(low: float | None, value: float, high: float | None) -> bool:
    return low is not None and high is not None and low <= value <= high


@pytest.mark.parametrize(
    ("draw", "is_share", "rate", "control"),
    [
        (shares(2000, 2000, 0.30, 0.25), True, 0.30, 0.25),
        (shares(5000, 5000, 0.024, 0.02), True, 0.024, 0.02),
        # A small hold-out, as campaigns have.
        (shares(3600, 400, 0.06, 0.05), True, 0.06, 0.05),
        (clustered(800, 0.30, 0.25), True, 0.30, 0.25),
        (money(4000, 0.06, 0.05), False, 1.2, 1.0),
    ],
    ids=["opens", "orders", "small hold-out", "several messages each", "revenue"],
)
def test_intervals_cover_the_true_difference_and_lift_as_often_as_they_say(
    draw: Draw, is_share: bool, rate: float, control: float
) -> None:
    found = simulate(draw, is_share=is_share)

    of_difference = np.mean([holds(each.difference_low, rate - control, each.difference_high) for each in found])
    of_lift = np.mean([holds(each.lift_low, rate / control - 1, each.lift_high) for each in found])

    assert of_difference == COVERS
    assert of_lift == COVERS


@pytest.mark.parametrize(
    ("draw", "is_share"),
    [
        (shares(2000, 2000, 0.25, 0.25), True),
        (shares(3600, 400, 0.05, 0.05), True),
        (clustered(800, 0.25, 0.25), True),
        (money(4000, 0.05, 0.05), False),
    ],
    ids=["opens", "small hold-out", "several messages each", "revenue"],
)
def test_two_arms_that_are_alike_are_told_apart_once_in_twenty_times(draw: Draw, is_share: bool) -> None:
    found = simulate(draw, is_share=is_share)

    assert 1 - np.mean([each.p_value is not None and each.p_value < 0.05 for each in found]) == COVERS


def test_a_message_taken_for_a_unit_of_its_own_would_be_too_sure() -> None:
    rng = np.random.default_rng(3)
    first, second = clustered(800, 0.25, 0.25)(rng)

    naive = compare(
        once(int(first.messages), int(first.acts)), once(int(second.messages), int(second.acts)), is_share=True
    )
    ours = compare(first, second, is_share=True)

    assert ours.difference == naive.difference
    assert ours.difference_high - ours.difference_low > 1.5 * (naive.difference_high - naive.difference_low)


def test_one_message_each_gives_agresti_and_caffos_interval_up_to_the_small_sample() -> None:
    found = compare(once(10, 0), once(10, 7), is_share=True)

    # By their formula: 1/12 and 8/12 of 12 people each, and the normal quantile where ours is Student's.
    margin = 1.96 * math.sqrt((1 / 12 * 11 / 12 + 8 / 12 * 4 / 12) / 12)
    assert (found.value, found.control_value, found.lift) == (0.0, 0.7, -1.0)
    assert found.difference_low == pytest.approx(-7 / 12 - margin, abs=0.05)
    assert found.difference_high == pytest.approx(-7 / 12 + margin, abs=0.05)


def test_the_interval_of_the_lift_holds_none_just_when_that_of_the_difference_does() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        found = compare(*shares(1500, 900, 0.12, 0.1)(rng), is_share=True)
        assert holds(found.lift_low, 0, found.lift_high) == holds(found.difference_low, 0, found.difference_high)
        assert (found.p_value < 0.05) != holds(found.difference_low, 0, found.difference_high)


@pytest.mark.parametrize(
    ("treated", "control", "known"),
    [
        (once(0, 0), once(5, 1), {"value": None, "control_value": 0.2}),
        (once(1, 1), once(5, 1), {"value": 1.0, "control_value": 0.2}),
    ],
)
def test_without_people_nothing_is_claimed(treated: Sums, control: Sums, known: dict[str, Any]) -> None:
    assert compare(treated, control, is_share=True) == Comparison(**known)


def test_over_a_control_in_which_nothing_happened_there_is_a_difference_but_no_lift() -> None:
    found = compare(once(400, 40), once(40, 0), is_share=True)

    assert found.difference == pytest.approx(0.1)
    assert (found.lift, found.lift_low, found.lift_high) == (None, None, None)


def test_money_that_is_the_same_for_everybody_is_no_evidence() -> None:
    same = Sums(3, 3, 3, 6, 12, 6)

    assert compare(same, Sums(3, 3, 3, 3, 3, 3), is_share=False) == Comparison(2.0, 1.0, 1.0)
