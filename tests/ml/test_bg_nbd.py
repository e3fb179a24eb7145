"""BG/NBD and Gamma-Gamma against people who behave as the papers say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml import bg_nbd, gamma_gamma
from ml.bg_nbd import BgNbd
from ml.gamma_gamma import GammaGamma

TRUE = BgNbd(r=0.8, alpha=20.0, a=1.2, b=4.0)
Floats = NDArray[np.float64]


def simulated(people: int, days: float, later: float, seed: int = 3) -> tuple[Floats, Floats, Floats, Floats]:
    """Repeats, recency and age at `days`, and the purchases of the `later` days, one person at a time."""
    rng = np.random.default_rng(seed)
    rates, leaves = rng.gamma(TRUE.r, 1 / TRUE.alpha, people), rng.beta(TRUE.a, TRUE.b, people)
    repeats, recency, after = np.zeros(people), np.zeros(people), np.zeros(people)
    for i in range(people):
        at = 0.0
        while rng.random() >= leaves[i] or at == 0.0:
            at += rng.exponential(1 / rates[i])
            if at > days + later:
                break
            if at > days:
                after[i] += 1
            else:
                repeats[i], recency[i] = repeats[i] + 1, at
    return repeats, recency, np.full(people, days), after


def test_the_numbers_of_a_population_are_found_again() -> None:
    repeats, recency, age, _ = simulated(6000, 400, 0)

    found = bg_nbd.fit(repeats, recency, age)

    assert found is not None
    assert found.r / found.alpha == pytest.approx(TRUE.r / TRUE.alpha, rel=0.2)
    assert found.a / (found.a + found.b) == pytest.approx(TRUE.a / (TRUE.a + TRUE.b), rel=0.25)


def test_expected_purchases_and_none_are_what_happens_on_average() -> None:
    repeats, recency, age, after = simulated(8000, 300, 90)

    expected = TRUE.expected_purchases(repeats, recency, age, 90)
    none = TRUE.probability_of_none(repeats, recency, age, 90)

    assert expected.sum() == pytest.approx(after.sum(), rel=0.1)
    assert none.mean() == pytest.approx((after == 0).mean(), abs=0.02)


def test_the_published_example_comes_out() -> None:
    """Fader, Hardie and Lee's CDNOW estimates (weeks), and the customer of their spreadsheet's note."""
    cdnow = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)

    (expected,) = cdnow.expected_purchases(np.array([2.0]), np.array([30.43]), np.array([38.86]), 39)

    assert expected == pytest.approx(1.226, abs=0.002)


def test_more_days_bring_more_purchases_and_half_have_come_by_the_median() -> None:
    repeats, recency, age = np.array([5.0]), np.array([95.0]), np.array([100.0])

    median = TRUE.median_days_to_next(repeats, recency, age)[0]

    assert TRUE.probability_of_none(repeats, recency, age, median)[0] == pytest.approx(0.5)
    one, two = (TRUE.expected_purchases(repeats, recency, age, days)[0] for days in (30, 60))
    assert 0 < one < two


def test_who_is_gone_for_long_is_hardly_alive_and_has_no_next_order() -> None:
    repeats, recency, age = np.array([50.0]), np.array([100.0]), np.array([700.0])

    assert TRUE.probability_alive(repeats, recency, age)[0] < 1e-6
    assert TRUE.median_days_to_next(repeats, recency, age)[0] == np.inf


@pytest.mark.parametrize("a", [0.01, 1.0, 1.0 + 1e-9, 5.0])
def test_a_hundred_thousand_purchases_stay_finite(a: float) -> None:
    model = BgNbd(r=1.0, alpha=10.0, a=a, b=20.0)
    repeats, age = np.array([0.0, 1.0, 100_000.0]), np.array([0.0, 365.0, 365.0])
    recency = np.array([0.0, 365.0, 365.0])

    expected = model.expected_purchases(repeats, recency, age, 365)

    assert np.isfinite(expected).all()
    assert 10_000 < expected[2] < 110_000


def test_the_order_of_people_does_not_matter() -> None:
    repeats, recency, age, _ = simulated(500, 200, 0)
    shuffled = np.random.default_rng(0).permutation(500)

    assert bg_nbd.fit(repeats, recency, age) == bg_nbd.fit(repeats[shuffled], recency[shuffled], age[shuffled])


def test_mean_values_shrink_towards_everyones() -> None:
    rng = np.random.default_rng(5)
    true = GammaGamma(p=6.0, q=4.0, v=15.0)
    orders = rng.integers(1, 8, 5000).astype(float)
    means = rng.gamma(true.p * orders, 1.0) / (rng.gamma(true.q, 1 / true.v, 5000) * orders)

    found = gamma_gamma.fit(orders, means)

    assert found is not None
    population = true.p * true.v / (true.q - 1)
    assert found.expected_mean(np.array([0.0]), np.array([0.0]))[0] == pytest.approx(population, rel=0.05)
    few, many = found.expected_mean(np.array([1.0, 50.0]), np.array([200.0, 200.0]))
    assert population < few < many < 200
