"""Before an experiment: how many people it needs, and what the smallest effect is that it will find.

Source: Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions", 3rd ed., 2003, section 4.4 (two
proportions, unequal arms, without the correction for continuity, as the comparison afterwards has none); Casagrande,
Pike and Smith, Biometrics 34, 1978, for the corrected form. Means: Cohen, "Statistical Power Analysis", 1988, ch. 2.
"""

from __future__ import annotations

import math

from scipy import stats
from scipy.optimize import brentq


def people_for_share(rate: float, lift: float, *, part: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """People in both arms together to find that `rate` becomes rate * (1 + lift), two-sided.

    `part` is the share of the people who are in the control. inf for no lift; ValueError for a rate that is none.
    """
    other = rate * (1 + lift)
    if not 0 < rate < 1 or not 0 <= other <= 1:
        raise ValueError(f"a rate of {rate:.3g} cannot rise by {lift:.3g}")
    if other == rate:
        return math.inf
    times = (1 - part) / part
    pooled = (rate + times * other) / (1 + times)
    in_control = (
        _z(1 - alpha / 2) * math.sqrt((times + 1) * pooled * (1 - pooled))
        + _z(power) * math.sqrt(times * rate * (1 - rate) + other * (1 - other))
    ) ** 2 / (times * (other - rate) ** 2)
    return in_control / part


def least_lift_of_share(
    rate: float, people: float, *, part: float, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest lift of `rate` that so many people show with this power; None where even 1 would not be found."""
    if not 0 < rate < 1 or people <= 0:
        return None
    highest = 1 / rate - 1

    def missing(lift: float) -> float:
        return people_for_share(rate, lift, part=part, alpha=alpha, power=power) - people

    if missing(highest) > 0:
        return None
    return float(brentq(missing, highest * 1e-9, highest, xtol=1e-9))


def people_for_mean(
    mean: float, deviation: float, lift: float, *, part: float, alpha: float = 0.05, power: float = 0.8
) -> float:
    """People in both arms together to find that a mean (money per person) becomes mean * (1 + lift), two-sided."""
    if mean <= 0 or lift == 0:
        return math.inf
    wanted = _z(1 - alpha / 2) + _z(power)
    return (wanted * deviation / (mean * lift)) ** 2 / (part * (1 - part))


def least_lift_of_mean(
    mean: float, deviation: float, people: float, *, part: float, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest lift of a mean that so many people show with this power; None without people or a mean."""
    if mean <= 0 or people <= 0:
        return None
    wanted = _z(1 - alpha / 2) + _z(power)
    return wanted * deviation / (mean * math.sqrt(people * part * (1 - part)))


def _z(quantile: float) -> float:
    return float(stats.norm.ppf(quantile))
