"""The asset graph is pinned: what a person sees in the Dagster UI does not change by accident."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration.landing.contract import ENTITIES

OURS = {
    *(f"raw/{entity.table}" for entity in ENTITIES),
    "raw/tables", "raw/loads", "raw/rejects", "raw/schema_changes", "raw/deletions", "raw/snapshots", "raw/hash_keys",
    "raw/campaigns", "raw/campaign_variants", "raw/campaign_pacing", "raw/campaign_controls", "raw/message_deferrals",
    "raw/outbox_messages", "raw/outbox_handovers", "delivery/gate", "raw/journeys", "raw/journey_rules",
    "raw/journey_steps", "raw/journey_conditions",
    "ml/churn_predictions", "ml/churn_evaluations", "ml/recommendations", "ml/recommendation_evaluations",
    "ml/lifetime_values", "ml/lifetime_evaluations", "ml/churn_training_scores", "ml/churn_backtests",
    "ml/model_decisions", "ml/model_figures", "raw/churn_scores", "quality/model_health",
    "outbox/planned_messages", "outbox/handed_over_messages", "outbox/webhook_deliveries", "reports/index",
    "delivery/complaint_alerts", "sendgrid/suppressions", "sendgrid/global_suppressions",
    "quality/unused_attributes", "quality/attribute_uses", "raw/segment_changes", "raw/segment_observations",
    "measurement/experiment_results", "delivery/rule_counts",
}  # fmt: skip


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    os.environ.setdefault("SINCERELY_HOME", str(tmp_path_factory.mktemp("home")))
    from orchestration.definitions import definitions

    return definitions


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> object:
    return definitions.resolve_asset_graph()


def test_the_assets_that_are_not_dbts_are_these(graph) -> None:
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    from_dbt = {key for key in keys if "dbt" in graph.get(dg.AssetKey(key.split("/"))).kinds}
    assert keys - from_dbt == OURS
    assert {"core/profiles", "core/lifecycle_stages", "core/segment_memberships", "delivery/messages"} <= from_dbt


def test_every_asset_is_made_here_described_and_in_a_group(graph) -> None:
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert [node.key for node in nodes if not node.is_materializable] == []
    assert [node.key for node in nodes if not node.description] == []
    assert [node.key for node in nodes if node.group_name == "default"] == []
    assert [node.key for node in nodes if not node.kinds] == []


def test_dbts_tests_are_checks_beside_our_own(graph) -> None:
    names = {check.name for check in graph.asset_check_keys}
    assert {"every_file_landed", "every_folder_is_known", "every_message_rendered", "every_journey_is_sound"} <= names
    assert "every_message_is_answered" in names
    assert {
        "beats_recency",
        "is_calibrated",
        "beats_past_rate",
        "newest_version_is_in_use",
        "population_is_stable",
        "past_scores_held",
        "beats_popularity",
        "every_query_is_understood",
        "sound_profiles",
    } <= names
    assert {"every_received_row_is_accounted_for", "nobody_without_consent_has_a_message"} <= names


def test_the_audits_warn_and_fail_as_checks_that_block_nothing(definitions: dg.Definitions, graph) -> None:
    audits = dg.AssetKey(["quality", "audits"])
    names = {check.name for check in graph.asset_check_keys if check.asset_key == audits}
    areas = ("duplicates", "inconsistencies", "freshness", "regressions")
    assert {f"{area}_below_{level}_level" for area in areas for level in ("warn", "fail")} <= names
    assert [name for name in names if graph.get_check_spec(dg.AssetCheckKey(audits, name)).blocking] == []


@pytest.mark.parametrize(("name", "job"), [("hourly_refresh", "people"), ("nightly_job", "refresh")])
def test_the_schedules_are_there_and_off(definitions: dg.Definitions, name: str, job: str) -> None:
    schedule = definitions.resolve_schedule_def(name)
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job.name == job


def test_a_refresh_starts_dbt_once_before_it_sends_and_once_after(definitions: dg.Definitions) -> None:
    steps = {node.name for node in definitions.resolve_job_def("people").graph.nodes if "dbt" in node.name}
    assert steps == {"dbt_models", "dbt_models_after_sending"}


def test_public_tables_and_segments_say_for_how_long_they_are_true(graph) -> None:
    public = ("core/profiles", "core/lifecycle_stages", "core/segment_memberships", "core/message_candidates")
    for key in (*public, "core/at_risk", "delivery/messages"):
        assert graph.get(dg.AssetKey(key.split("/"))).freshness_policy is not None, key


def test_dbt_is_built_in_three_steps_around_the_models_and_the_handing_over(definitions: dg.Definitions) -> None:
    steps = [node.name for node in definitions.resolve_job_def("refresh").graph.nodes if "dbt" in node.name]
    assert len(steps) == 3


def test_matching_that_is_off_costs_no_import(tmp_path: Path) -> None:
    script = "import sys, orchestration.definitions; print([name for name in sys.modules if 'splink' in name])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**os.environ, "SINCERELY_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_picture_shows_every_asset(definitions: dg.Definitions) -> None:
    from orchestration.graph_picture import picture

    svg = picture(definitions)
    assert svg.count("<rect") > len(OURS) + 40
    assert Path(__file__).parent.parent.parent.joinpath(".github", "assets.svg").read_text() == svg
