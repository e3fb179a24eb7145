"""The gate: each check on tables that a person can read, and what a person let pass."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.delivery.controls import Controls, Release
from orchestration.gate import checks, evaluating, failed_tests
from orchestration.landing import files
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns

NOW = datetime(2018, 1, 1, 12, tzinfo=UTC)
LIMITS = {
    "gate_audience_occurrences": 3, "gate_audience_factor": 2, "gate_audience_people": 5,
    "gate_consents_days": 10, "gate_suppressions_days": 20,
}  # fmt: skip
_TABLES = """
create schema core; create schema quality; create schema staging;
create table raw.campaigns (campaign varchar, occurrence varchar, role varchar, segment varchar);
create table raw.journey_steps (journey varchar, campaign varchar);
create table raw.journey_rules (journey varchar, kind varchar, value varchar);
create table raw.journey_conditions (journey varchar, kind varchar, value varchar);
create table core.segment_refreshes (segment varchar, is_refreshed boolean);
create table core.message_candidates (
    message_id varchar, campaign varchar, occurrence varchar, journey varchar, exclusion_reason varchar,
    is_holdout boolean, is_deferred boolean, is_carried_over boolean
);
create table quality.freshness (
    entity varchar, level varchar, age_days double, fail_above_days double, rows_count bigint
);
create table staging.stg_outbox__messages (campaign varchar, occurrence varchar, error varchar, planned_at timestamp);
create table ml.model_decay (model varchar, version varchar, words varchar, is_decayed boolean, scored_at timestamp);
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    files.prepare(warehouse)
    execute(warehouse, _TABLES)
    return warehouse


@pytest.fixture(scope="module")
def campaigns() -> list[Campaign]:
    """A monthly one with recommendations whose segments ask for churn, and one of journeys with neither."""
    found = load_campaigns()
    monthly = next(each for each in found if each.occurrence == "monthly")
    journey = next(each for each in found if each.name == "first_basket")
    return [monthly, journey]


def execute(warehouse: Warehouse, *statements: str) -> None:
    with warehouse.transaction() as connection:
        for statement in statements:
            connection.execute(statement)


def found(warehouse: Warehouse, campaigns: list[Campaign]) -> set[tuple[str, str, str]]:
    execute(
        warehouse, *(f"insert into raw.campaigns values ('{each.name}', '2018-01', 'x', null)" for each in campaigns)
    )
    return {(each.campaign, each.check, each.cause) for each in checks.findings(warehouse, campaigns, LIMITS)}


def test_a_home_in_which_nothing_is_wrong_holds_nothing(warehouse: Warehouse, campaigns: list[Campaign]) -> None:
    assert found(warehouse, campaigns) == set()


def test_a_segment_that_failed_holds_those_who_ask_for_it_also_through_a_journey(
    warehouse: Warehouse, campaigns: list[Campaign]
) -> None:
    monthly, journey = campaigns
    execute(
        warehouse,
        "insert into core.segment_refreshes values ('broken', false), ('sound', true)",
        f"insert into raw.campaigns values ('{monthly.name}', '2018-01', 'exclude', 'broken')",
        f"insert into raw.journey_steps values ('j', '{journey.name}')",
        "insert into raw.journey_conditions values ('j', 'in_segment', 'broken'), ('j', 'in_segment', 'sound')",
    )
    assert found(warehouse, campaigns) == {
        (monthly.name, "segments", "broken"), (journey.name, "segments", "broken")
    }  # fmt: skip


def test_a_decayed_model_holds_those_who_use_it_and_while_it_is_in_use(
    warehouse: Warehouse, campaigns: list[Campaign]
) -> None:
    monthly, journey = campaigns
    assert checks.models_used(journey) == ()
    assert set(checks.models_used(monthly)) >= {monthly.uses_recommendations.list}
    ((slot, (first, *others)),) = journey.slots.items()
    by_risk = dataclasses.replace(first, when="churn_risk_band = 'high'")
    uses_churn = dataclasses.replace(journey, slots={slot: (by_risk, *others)})
    execute(
        warehouse,
        "insert into ml.churn_predictions (person_id, model_version) values ('p', 'v2')",
        """insert into ml.model_decay values
            ('churn', 'v1', 'old', true, timestamp '2017-12-01'),
            ('churn', 'v2', 'was bad once', true, timestamp '2017-11-01'),
            ('churn', 'v2', null, false, timestamp '2017-12-01')""",
    )
    assert found(warehouse, [uses_churn]) == set()
    execute(warehouse, "insert into ml.model_decay values ('churn', 'v2', 'far off', true, timestamp '2017-12-31')")
    assert found(warehouse, [uses_churn]) == {(journey.name, "models", "churn v2")}
    assert not any(check == "models" for _, check, _ in found(warehouse, [journey]))


@pytest.mark.parametrize(
    ("people", "is_held"), [(0, True), (9, True), (10, False), (60, False), (61, True)]
)  # fmt: skip
def test_an_audience_outside_its_band_is_held_and_one_at_its_edge_is_not(
    warehouse: Warehouse, campaigns: list[Campaign], people: int, is_held: bool
) -> None:
    name = campaigns[0].name
    execute(
        warehouse,
        *(
            "insert into staging.stg_outbox__messages "
            f"select '{name}', '2017-{month}', null, timestamp '2017-{month}-01' from range({count})"
            for month, count in ((9, 20), (10, 30), (11, 25))
        ),
        f"insert into core.message_candidates select n, '{name}', '2018-01', null, null, false, false, false "
        f"from range({people}) as numbers (n)",
        "insert into core.message_candidates "
        f"values ('x', '{name}', '2018-01', null, 'no_consent', false, false, false)",
    )
    held = {each for each in found(warehouse, campaigns) if each[1] == "audience"}
    assert bool(held) == is_held


def test_two_earlier_occurrences_are_no_band(warehouse: Warehouse, campaigns: list[Campaign]) -> None:
    name = campaigns[0].name
    execute(
        warehouse,
        f"insert into staging.stg_outbox__messages select '{name}', '2017-' || n, null, timestamp '2017-11-01' "
        "from range(2) as occurrences (n), range(50) as people (m)",
    )
    assert found(warehouse, campaigns) == set()


def test_a_source_that_is_too_old_holds_everybody_and_old_lists_do(
    warehouse: Warehouse, campaigns: list[Campaign]
) -> None:
    execute(
        warehouse,
        """insert into quality.freshness values
            ('shop_orders', 'fail', 9, 8, 10), ('web_events', 'warn', 40, null, 10),
            ('crm_consents', 'ok', 10.5, null, 10), ('esp_events', 'ok', 30, null, 10),
            ('sendgrid_events', 'ok', 20, null, 10), ('mailchimp_events', 'ok', 1, null, 0)""",
    )
    assert {(check, cause) for _, check, cause in found(warehouse, campaigns)} == {
        ("sources", "shop_orders"), ("lists", "consents")
    }  # fmt: skip
    assert len(found(warehouse, campaigns)) == 4


def test_a_template_that_lint_refuses_holds_its_campaign(warehouse: Warehouse, campaigns: list[Campaign]) -> None:
    unknown = dataclasses.replace(campaigns[1], subject="{{ frist_name }}")
    (hold,) = found(warehouse, [unknown])
    assert hold[:2] == (unknown.name, "lint")
    assert "frist_name" in hold[2]


MANIFEST = {
    "nodes": {
        "test.sincerely.unique": {
            "name": "unique_profiles_person_id", "attached_node": "model.sincerely.profiles",
            "depends_on": {"nodes": ["model.sincerely.profiles"]},
        },
        "test.sincerely.acts": {
            "name": "not_null_acts", "attached_node": "model.sincerely.recommendation_acts",
            "depends_on": {"nodes": ["model.sincerely.recommendation_acts"]},
        },
        "test.sincerely.of_segment": {
            "name": "of_segment", "attached_node": "model.sincerely.lapsed",
            "depends_on": {"nodes": ["model.sincerely.lapsed"]},
        },
    },
    "child_map": {
        "model.sincerely.profiles": ["model.sincerely.message_candidates", "test.sincerely.unique"],
        "model.sincerely.recommendation_acts": [],
    },
}  # fmt: skip


def ran(warehouse: Warehouse, **statuses: str) -> int:
    results = [{"unique_id": f"test.sincerely.{test}", "status": status} for test, status in statuses.items()]
    return failed_tests.record(warehouse, MANIFEST, results, {"model.sincerely.lapsed"}, NOW)


def test_a_data_test_that_failed_holds_what_comes_from_its_table_until_it_passes(
    warehouse: Warehouse, campaigns: list[Campaign]
) -> None:
    monthly, journey = campaigns
    assert ran(warehouse, unique="fail", acts="fail", of_segment="fail") == 2
    assert found(warehouse, campaigns) == {
        (monthly.name, "data_tests", "test.sincerely.unique"), (journey.name, "data_tests", "test.sincerely.unique"),
        (monthly.name, "data_tests", "test.sincerely.acts"),
    }  # fmt: skip
    # What did not run, or was skipped, says nothing new.
    assert ran(warehouse, unique="skipped", acts="pass") == 1
    assert ran(warehouse, unique="pass") == 0


def test_a_person_releases_one_cause_of_one_occurrence_and_the_data_releases_the_rest(
    warehouse: Warehouse, campaigns: list[Campaign], tmp_path: Path
) -> None:
    controls = Controls(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    ran(warehouse, acts="fail")
    monthly = campaigns[0]

    (hold,) = evaluating.evaluate(warehouse, controls, [monthly], NOW)
    assert evaluating.held([hold]) == {monthly.name} == evaluating.held_by_table(warehouse)
    assert f"sincerely release {monthly.name} data_tests" in hold.sentence

    at = datetime(2018, 1, 1, 13)
    controls.release(Release(monthly.name, hold.occurrence, "data_tests", hold.finding.cause, "Known.", "ada", at))
    assert evaluating.held(evaluating.evaluate(warehouse, controls, [monthly], NOW)) == frozenset()
    rows = warehouse.rows("select check_name, is_held, released_by, released_because, released_at from delivery.gate")
    assert [row for row in rows if row["check_name"] == "data_tests"] == [
        {
            "check_name": "data_tests",
            "is_held": False,
            "released_by": "ada",
            "released_because": "Known.",
            "released_at": at,
        }
    ]
    assert {row["check_name"] for row in rows} == set(checks.CHECKS)

    later = datetime(2018, 2, 1, tzinfo=UTC)
    assert evaluating.held(evaluating.evaluate(warehouse, controls, [monthly], later)) == {monthly.name}
    ran(warehouse, unique="fail")
    assert evaluating.held(evaluating.evaluate(warehouse, controls, [monthly], NOW)) == {monthly.name}
    ran(warehouse, unique="pass", acts="pass")
    assert evaluating.held_by_table(warehouse) == {monthly.name}
    assert evaluating.evaluate(warehouse, controls, [monthly], later) == []
    assert evaluating.held_by_table(warehouse) == frozenset()
