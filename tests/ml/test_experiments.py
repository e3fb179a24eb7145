"""What experiments.py promises: who is held against whom, and that arms of the wrong size are seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ml import experiments

SCHEMA = pa.schema(
    [
        ("campaign", pa.string()),
        ("arm", pa.string()),
        ("metric", pa.string()),
        ("people_count", pa.int64()),
        *((name, pa.float64()) for name in ("messages_sum", "messages_squares")),
        *((name, pa.float64()) for name in ("acts_sum", "acts_squares", "acts_messages", "expected_share")),
        ("variant_number", pa.int64()),
        ("is_final", pa.bool_()),
    ]
)


def arm(
    name: str, people: int, acts: int, share: float | None, number: int | None = None, **more: Any
) -> dict[str, Any]:
    """One message each, acts of 1."""
    row = {
        "campaign": "hello", "arm": name, "metric": "conversion_rate", "people_count": people,
        "messages_sum": people, "messages_squares": people, "acts_sum": acts, "acts_squares": acts,
        "acts_messages": acts, "expected_share": share, "variant_number": number, "is_final": True,
    }  # fmt: skip
    return row | more


def results(*arms: dict[str, Any]) -> list[dict[str, Any]]:
    return experiments.results(pa.Table.from_pylist(list(arms), SCHEMA)).to_pylist()


def test_variants_are_held_against_the_first_and_all_of_them_against_the_hold_out() -> None:
    rows = results(
        arm("warm", 400, 60, 0.4, 2),
        arm("plain", 420, 40, 0.4, 1),
        arm("all", 820, 100, 0.8),
        arm("holdout", 200, 10, 0.2, is_final=False),
    )

    assert [(row["variant"], row["control"], row["value"], row["control_value"]) for row in rows] == [
        ("all", "holdout", 100 / 820, 10 / 200),
        ("warm", "plain", 60 / 400, 40 / 420),
    ]
    assert [row["is_final"] for row in rows] == [False, True]
    assert all(row["is_sample_ratio_ok"] and row["p_value"] < 0.05 and row["lift"] > 0 for row in rows)
    assert experiments.results(pa.Table.from_pylist([], SCHEMA)).schema == experiments.RESULTS


def test_arms_of_another_size_than_was_drawn_are_seen() -> None:
    rng = np.random.default_rng(2)
    alarms = {}
    for name, share in (("as drawn", 0.5), ("a twentieth lost", 0.4872)):
        found = []
        for _ in range(400):
            first = int(rng.binomial(20_000, share))
            rows = results(
                arm("a", first, 100, 0.5, 1), arm("b", 20_000 - first, 100, 0.5, 2), arm("all", 20_000, 200, 1.0)
            )
            found.append(not rows[0]["is_sample_ratio_ok"])
        alarms[name] = np.mean(found)

    assert alarms["as drawn"] <= 0.01
    assert alarms["a twentieth lost"] > 0.5


@pytest.mark.parametrize(
    ("arms", "is_ok"),
    [
        ([arm("a", 500, 1, 0.5, 1), arm("b", 500, 1, 0.5, 2)], True),
        ([arm("a", 500, 1, 0.5, 1), arm("b", 500, 1, 0.4, 2)], False),  # of a third tenth nobody came
        ([arm("a", 500, 1, 0.5, 1), arm("b", 500, 1, None, 2)], False),  # nobody drew b
        ([arm("a", 500, 1, None, 1), arm("b", 700, 1, None, 2)], None),  # another system drew
    ],
)
def test_the_ratio_is_judged_by_what_the_campaign_draws(arms: list[dict[str, Any]], is_ok: bool | None) -> None:
    (row,) = results(*arms)
    assert row["is_sample_ratio_ok"] is is_ok


def test_what_hold_outs_cannot_do_is_compared_between_variants_only() -> None:
    rows = results(
        arm("a", 400, 60, 0.4, 1, metric="click_rate"),
        arm("b", 420, 40, 0.4, 2, metric="click_rate"),
        arm("all", 820, 100, 0.8, metric="click_rate"),
    )
    assert [(row["variant"], row["control"]) for row in rows] == [("b", "a")]
