"""Two arms of an experiment compared: how far apart their rates are, how sure that is, and by which part of the
control's.

The person is the unit, for persons are what was drawn; a rate per message is then a ratio of two means, whose error
follows from the sums over people by linearisation (the delta method).

Sources: Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, section 3; Welch, "The
Generalization of Student's Problem when Several Different Population Variances are Involved", 1947; Agresti and Caffo,
"Simple and Effective Confidence Intervals for Proportions and Differences of Proportions", 2000; Fieller, "Some
Problems in Interval Estimation", 1954.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sums:
    """What one arm's people did, summed up over them: messages, acts (opens, orders, money), squares and products."""

    people: float
    messages: float
    messages_squares: float
    acts: float
    acts_squares: float
    acts_messages: float

    @property
    def rate(self) -> float | None:
        """Acts per message; None without a message."""
        return self.acts / self.messages if self.messages > 0 else None

    def with_two_more(self) -> Sums:
        """One person more who acted on their message, and one who did not: Agresti and Caffo's interval is taken of
        these, and covers as promised where acts are few."""
        return Sums(
            self.people + 2,
            self.messages + 2,
            self.messages_squares + 2,
            self.acts + 1,
            self.acts_squares + 1,
            self.acts_messages + 1,
        )

    def error(self) -> float:
        """The variance of `rate`."""
        rate = self.acts / self.messages
        residuals = self.acts_squares - 2 * rate * self.acts_messages + rate * rate * self.messages_squares
        return max(residuals, 0.0) * self.people / (self.people - 1) / self.messages**2


@dataclass(frozen=True)
class Comparison:
    """The treated arm against the control; `lift` is the difference as a part of the control's rate.

    What the data cannot bound is None: the lift over a control of which it is not sure that it differs from 0, and
    everything but the values where an arm has fewer than two people.
    """

    value: float | None
    control_value: float | None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    p_value: float | None = None


def compare(treated: Sums, control: Sums, *, is_share: bool) -> Comparison:
    """The comparison at 95 % confidence, two-sided. `is_share` where a message has the act once or not at all."""
    value, control_value = treated.rate, control.rate
    if value is None or control_value is None or min(treated.people, control.people) < 2:
        return Comparison(value, control_value)
    of_treated, of_control = (treated.with_two_more(), control.with_two_more()) if is_share else (treated, control)
    a, b = of_treated.acts / of_treated.messages, of_control.acts / of_control.messages
    error_a, error_b = of_treated.error(), of_control.error()
    error = error_a + error_b
    if error == 0:
        # Nobody differs from anybody else in their arm: there is nothing to judge by.
        return Comparison(value, control_value, value - control_value)
    freedom = error**2 / (error_a**2 / (of_treated.people - 1) + error_b**2 / (of_control.people - 1))
    quantile = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom))
    margin = quantile * math.sqrt(error)
    low, high = _ratio(a, b, error_a, error_b, quantile)
    return Comparison(
        value=value,
        control_value=control_value,
        difference=value - control_value,
        difference_low=a - b - margin,
        difference_high=a - b + margin,
        lift=value / control_value - 1 if control_value > 0 else None,
        lift_low=low,
        lift_high=high,
        p_value=float(2 * stats.t.sf(abs(a - b) / math.sqrt(error), freedom)),
    )


def _ratio(
    a: float, b: float, error_a: float, error_b: float, quantile: float
) -> tuple[float, float] | tuple[None, None]:
    """Fieller's interval of a / b - 1, which holds 0 just when the difference's does; none where `b` may be 0."""
    leading = b * b - quantile**2 * error_b
    if b <= 0 or leading <= 0:
        return None, None
    root = math.sqrt(max((a * b) ** 2 - leading * (a * a - quantile**2 * error_a), 0.0))
    return max((a * b - root) / leading - 1, -1.0), (a * b + root) / leading - 1
