"""The dbt project's own rules, checked on its manifest."""

from __future__ import annotations

import json

import pytest

from orchestration import dbt
from orchestration.settings import load_settings

PUBLIC = {
    "identity_map", "activity", "profiles", "lifecycle_stages", "segment_memberships", "segment_transitions",
    "message_candidates", "messages", "decisions",
}  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    home = tmp_path_factory.mktemp("home")
    return json.loads(dbt.manifest(load_settings({"SINCERELY_HOME": str(home)})).read_text())


@pytest.fixture(scope="module")
def nodes(manifest: dict) -> list[dict]:
    return list(manifest["nodes"].values())


@pytest.fixture(scope="module")
def unit_tested(manifest: dict) -> set[str]:
    return {test["model"] for test in manifest["unit_tests"].values()}


@pytest.fixture(scope="module")
def models(nodes: list[dict]) -> list[dict]:
    return [node for node in nodes if node["resource_type"] == "model"]


def test_every_model_says_what_one_row_is(models: list[dict]) -> None:
    silent = [model["name"] for model in models if not model["description"].startswith("One row per")]
    assert silent == []


def test_only_staging_and_what_reconciles_it_read_what_was_landed(models: list[dict]) -> None:
    readers = {
        model["name"]
        for model in models
        if any(source.startswith("source.sincerely.raw") for source in model["depends_on"]["nodes"])
    }
    outside = {name for name in readers if not name.startswith(("src_", "stg_", "base_"))}
    # Quality holds landed rows against staged ones; the audience reads campaigns and the hash key,
    # journeys read what their files say, experiments which shares the campaigns' files draw.
    assert outside == {
        "quarantine", "load_reconciliation", "schema_drift", "data_quality", "audience_members", "audiences_in_doubt",
        "message_audience", "suppressions", "revoked_messages", "message_candidates", "counted_messages",
        "journey_schedule", "journey_signals", "journey_states", "journey_messages", "journey_triggers",
        "journey_causes", "journey_endings",
        "journey_entries", "journey_step_refusals", "journey_funnel", "journey_definitions", "changed_journeys",
        "gone_journey_messages", "experiment_outcomes",
    }  # fmt: skip


def test_what_landed_is_read_through_the_one_filter_of_what_was_known(manifest: dict, models: list[dict]) -> None:
    # Written anew by each run: they are settings, not landings.
    ours = {
        "campaigns", "campaign_variants", "campaign_pacing", "campaign_controls", "hash_keys", "journeys",
        "journey_rules", "journey_steps", "journey_conditions",
    }  # fmt: skip
    filters = {
        name for name, macro in manifest["macros"].items() if "macro.sincerely.known" in macro["depends_on"]["macros"]
    } | {"macro.sincerely.known"}
    unfiltered = {
        model["name"]
        for model in models
        for source in model["depends_on"]["nodes"]
        if source.startswith("source.sincerely.raw.") and source.rpartition(".")[2] not in ours
        if not filters & set(model["depends_on"]["macros"])
    }
    # A switch in front of a third party's table reads all of it; the base model behind it filters.
    assert {name for name in unfiltered if not name.startswith("src_")} == set()
    behind = [model for model in models if model["name"].startswith("base_")]
    assert len(behind) >= 14
    assert [model["name"] for model in behind if not filters & set(model["depends_on"]["macros"])] == []


def test_only_those_who_filter_it_read_a_third_partys_switch(models: list[dict]) -> None:
    readers = {
        model["name"]
        for model in models
        if any(node.startswith("model.sincerely.src_") for node in model["depends_on"]["nodes"])
    }
    # Quality reads the received text of rows that it knows from the base models and the loads.
    assert {name for name in readers if not name.startswith("base_")} == {"quarantine", "data_quality"}


def test_public_tables_have_enforced_contracts(models: list[dict]) -> None:
    enforced = {model["name"] for model in models if model["contract"]["enforced"]}
    assert PUBLIC - enforced == set()


def test_every_model_has_a_tested_key(nodes: list[dict], models: list[dict]) -> None:
    tested = {node.get("attached_node") for node in nodes if node["resource_type"] == "test"}
    untested = [
        model["name"]
        for model in models
        if model["unique_id"] not in tested
        and not model["name"].startswith("base_")
        # Their materialization tests what a segment returns, whoever wrote it.
        and model["config"]["materialized"] != "segment"
    ]
    # message_hours has the rows of these views, which are not asked for them once more.
    assert set(untested) <= {"quarantine", "audience_members", "message_audience"}


def test_every_model_has_a_yaml_file_beside_it(models: list[dict]) -> None:
    missing = [
        model["name"]
        for model in models
        if not (dbt.DBT_PROJECT / model["original_file_path"]).with_suffix(".yml").exists()
    ]
    assert missing == []


def test_no_model_reads_a_clock(models: list[dict]) -> None:
    clocks = ("current_timestamp", "current_date", "now()", "get_current_time")
    guilty = [model["name"] for model in models if any(clock in model["raw_code"].lower() for clock in clocks)]
    assert guilty == []


def test_every_segment_says_who_owns_it_and_what_it_is_for(models: list[dict]) -> None:
    segments = [model for model in models if model["name"] in dbt.segments()]
    assert len(segments) >= 15
    for segment in segments:
        assert {"owner", "purpose", "freshness_hours"} <= set(segment["config"]["meta"]), segment["name"]
        assert segment["config"]["materialized"] == "segment", segment["name"]


def test_every_segment_has_a_test_of_its_edges(models: list[dict], unit_tested: set[str]) -> None:
    assert set(dbt.segments()) - unit_tested == set()


def test_what_people_are_is_for_reports_and_not_for_mailing(models: list[dict]) -> None:
    kept_apart = {model["name"] for model in models if "not_for_mailing" in model["config"]["tags"]}
    assert kept_apart == {"women"}


def test_each_model_is_in_the_schema_of_its_layer(models: list[dict]) -> None:
    schemas = {model["schema"] for model in models}
    assert schemas == {"staging", "core", "ml", "delivery", "measurement", "quality"}
