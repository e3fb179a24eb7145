"""What power.py promises: the sizes of textbooks, and experiments of that size that find what they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml import power
from ml.comparing import compare
from tests.ml.test_comparing import shares


def test_the_size_is_the_one_of_the_usual_formula_for_equal_arms() -> None:
    # Two-sided 5 %, 80 %: (1.96 sqrt(2 p q) + 0.8416 sqrt(p1 q1 + p2 q2))^2 / (p1 - p2)^2 in each arm.
    rate, other = 0.10, 0.12
    middle = (rate + other) / 2
    each = (
        1.959964 * math.sqrt(2 * middle * (1 - middle)) + 0.841621 * math.sqrt(rate * (1 - rate) + other * (1 - other))
    ) ** 2 / (rate - other) ** 2

    assert power.people_for_share(rate, 0.2, part=0.5) == pytest.approx(2 * each, rel=1e-4)
    assert each == pytest.approx(3841, abs=1)


def test_the_least_lift_is_what_the_size_was_made_for() -> None:
    for part in (0.5, 0.2, 0.05):
        people = power.people_for_share(0.04, 0.15, part=part)
        assert power.least_lift_of_share(0.04, people, part=part) == pytest.approx(0.15, rel=1e-4)


def test_experiments_of_the_size_find_the_lift_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    people = power.people_for_share(0.05, 0.4, part=0.2)
    treated, control = round(people * 0.8), round(people * 0.2)
    draw = shares(treated, control, 0.07, 0.05)

    found = np.mean([compare(*draw(rng), is_share=True).p_value < 0.05 for _ in range(1500)])

    # With unequal arms the test after the fact, which does not pool, is a little weaker or stronger than planned.
    assert found == pytest.approx(0.8, abs=0.04)


def test_a_small_control_needs_more_people() -> None:
    sizes = [power.people_for_share(0.05, 0.1, part=part) for part in (0.5, 0.2, 0.1, 0.05)]
    assert sizes == sorted(sizes)


def test_more_power_and_less_alpha_need_more_people() -> None:
    usual = power.people_for_share(0.05, 0.1, part=0.5)
    assert power.people_for_share(0.05, 0.1, part=0.5, power=0.9) > usual
    assert power.people_for_share(0.05, 0.1, part=0.5, alpha=0.01) > usual


@pytest.mark.parametrize(("rate", "people"), [(0.0, 1000), (0.3, 4), (0.3, 0)])
def test_where_even_everybody_would_not_show_there_is_no_least_lift(rate: float, people: float) -> None:
    assert power.least_lift_of_share(rate, people, part=0.5) is None


def test_money_needs_people_by_its_spread() -> None:
    people = power.people_for_mean(1.0, 5.0, 0.1, part=0.5)

    # (1.96 + 0.84)^2 * 2 * 25 / 0.1^2 in each arm.
    assert people == pytest.approx(2 * 7.84888 * 2 * 25 / 0.01, rel=1e-4)
    assert power.least_lift_of_mean(1.0, 5.0, people, part=0.5) == pytest.approx(0.1)


def test_a_rate_cannot_rise_above_all_people() -> None:
    with pytest.raises(ValueError, match="cannot rise"):
        power.people_for_share(0.6, 1.0, part=0.5)
