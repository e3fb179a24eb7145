"""What experiments came to: each variant against the first, all variants against the hold-out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any

import pyarrow as pa
from scipy import stats

from ml.comparing import Sums, compare

# Below it, the arms' sizes are no chance: something other than the draw decided who is in them.
SAMPLE_RATIO_ALPHA = 0.001
ALL, HOLDOUT = "all", "holdout"
# Every other metric is a share: a message was opened or not.
MONEY = ("revenue_per_recipient",)

RESULTS = pa.schema(
    [
        ("campaign", pa.string()),
        ("variant", pa.string()),
        ("control", pa.string()),
        ("metric", pa.string()),
        ("people_count", pa.int64()),
        ("control_people_count", pa.int64()),
        ("value", pa.float64()),
        ("control_value", pa.float64()),
        ("difference", pa.float64()),
        ("difference_low", pa.float64()),
        ("difference_high", pa.float64()),
        ("lift", pa.float64()),
        ("lift_low", pa.float64()),
        ("lift_high", pa.float64()),
        ("p_value", pa.float64()),
        ("sample_ratio_p_value", pa.float64()),
        ("is_sample_ratio_ok", pa.bool_()),
        ("is_final", pa.bool_()),
    ]
)


def results(outcomes: pa.Table) -> pa.Table:
    """One row per campaign, variant and metric, of the columns in RESULTS.

    `outcomes` has a row per campaign, arm and metric: sums over the arm's people (dbt's experiment_outcomes). The
    variant `all` is every variant together, and its control is the hold-out; the others' is the first variant.
    """
    rows = sorted(outcomes.to_pylist(), key=lambda row: (row["campaign"], row["metric"], row["arm"]))
    found = []
    for _, of_campaign in groupby(rows, key=lambda row: row["campaign"]):
        arms = list(of_campaign)
        ratio = sample_ratio(arms)
        for _, of_metric in groupby(arms, key=lambda row: row["metric"]):
            by_arm = {row["arm"]: row for row in of_metric}
            found += [_row(by_arm[variant], by_arm[control], ratio) for variant, control in _pairs(by_arm)]
    return pa.Table.from_pylist(
        sorted(found, key=lambda row: (row["campaign"], row["variant"], row["metric"])), RESULTS
    )


def sample_ratio(arms: list[dict[str, Any]]) -> float | None:
    """The p-value of Pearson's chi-square test that the arms of one campaign have the sizes that were drawn.

    0 where an arm has people whom nobody drew for it: it was renamed or taken away. None where no share is known.
    Source: Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019.
    """
    sizes = {row["arm"]: (row["people_count"], row["expected_share"]) for row in arms if row["arm"] != ALL}
    if all(share is None for _, share in sizes.values()):
        return None
    people = sum(count for count, _ in sizes.values())
    # An arm of which nobody came is an arm all the same: what the shares leave to 1 is expected in it.
    observed = [count for count, share in sizes.values() if share]
    expected = [people * share for _, share in sizes.values() if share]
    if sum(observed) < people:
        return 0.0
    left = people - sum(expected)
    if left > 1e-6 * people:
        observed, expected = [*observed, 0], [*expected, left]
    if len(expected) < 2:
        return None
    return float(stats.chisquare(observed, expected).pvalue)


def _pairs(by_arm: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    variants = sorted((row["variant_number"], arm) for arm, row in by_arm.items() if row["variant_number"])
    for _, variant in variants[1:]:
        yield variant, variants[0][1]
    if ALL in by_arm and HOLDOUT in by_arm:
        yield ALL, HOLDOUT


def _row(treated: dict[str, Any], control: dict[str, Any], ratio: float | None) -> dict[str, Any]:
    metric = treated["metric"]
    return {
        "campaign": treated["campaign"],
        "variant": treated["arm"],
        "control": control["arm"],
        "metric": metric,
        "people_count": treated["people_count"],
        "control_people_count": control["people_count"],
        **asdict(compare(_sums(treated), _sums(control), is_share=metric not in MONEY)),
        "sample_ratio_p_value": ratio,
        "is_sample_ratio_ok": None if ratio is None else ratio >= SAMPLE_RATIO_ALPHA,
        "is_final": treated["is_final"] and control["is_final"],
    }


def _sums(row: Mapping[str, Any]) -> Sums:
    return Sums(
        row["people_count"],
        row["messages_sum"],
        row["messages_squares"],
        row["acts_sum"],
        row["acts_squares"],
        row["acts_messages"],
    )
