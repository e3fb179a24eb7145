"""What has to wait is noted once; what would leave is counted, priced and timed before it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.delivery import dry_run
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.pacing import note_deferred, pacing_table
from orchestration.delivery.rates import Rates
from orchestration.landing import files
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaigns

NOW = datetime(2018, 1, 1, 12, tzinfo=UTC)
_CANDIDATES = """
create schema core;
create table core.profiles (person_id varchar, city varchar, lifecycle_stage varchar, viewed_category varchar);
create table core.message_candidates (
    message_id varchar, campaign varchar, occurrence varchar, person_id varchar, exclusion_reason varchar,
    exclusion_detail varchar, is_planned boolean, is_deferred boolean, journey varchar, due_at timestamp,
    not_before timestamp, expires_at timestamp, is_carried_over boolean, is_holdout boolean
);
insert into core.message_candidates
select
    message_id, campaign, '2018-01', 'person of ' || message_id, reason, detail, is_planned,
    coalesce(reason in ('capped', 'paused'), false), null, timestamp '2018-01-01 12:00', not_before,
    timestamp '2018-01-08 12:00', false, coalesce(reason = 'campaign_holdout', false)
from (values
    ('goes', $name, null, null, false, null), ('waits', $name, null, null, false, timestamp '2018-01-01 18:00'),
    ('went', $name, null, null, true, null), ('just_went', $name, null, null, false, null),
    ('capped', $name, 'capped', 'offer', false, null), ('capped_too', $name, 'capped', 'news', false, null),
    ('paused', $name, 'paused', null, false, null), ('silent', $name, 'no_consent', 'offers', false, null),
    ('held_out', $name, 'campaign_holdout', null, false, null), ('other', 'other', null, null, false, null)
) as rows (message_id, campaign, reason, detail, is_planned, not_before)
"""


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return next(each for each in load_campaigns() if each.occurrence == "monthly")


@pytest.fixture
def settings(tmp_path: Path, campaign: Campaign) -> Settings:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path), "SINCERELY_COST_PER_THOUSAND": "500"})
    files.prepare(Warehouse(settings.warehouse))
    with Warehouse(settings.warehouse).transaction() as connection:
        connection.execute(_CANDIDATES.replace("$name", f"'{campaign.name}'"))
    return settings


def would_leave(settings: Settings, campaign: Campaign) -> dict[str, object]:
    outbox = Outbox(settings.outbox_url)
    (row,) = dry_run.would_leave(settings, Warehouse(settings.warehouse), outbox, [campaign], NOW)
    return row


def test_a_dry_run_counts_everybody_once(settings: Settings, campaign: Campaign) -> None:
    Outbox(settings.outbox_url).plan([Planned("just_went", campaign.name, "2018-01", "p", None)], NOW)

    row = would_leave(settings, campaign)

    assert (row["audience"], row["would_be_sent"], row["already_sent"], row["left_out"]) == (9, 2, 2, 5)
    assert row["reasons"] == {"campaign_holdout": 1, "capped": 2, "no_consent": 1, "paused": 1}
    assert (row["deferred"], row["capped_by"]) == (3, {"offer": 1, "news": 1})
    assert (row["wait_for_their_hour"], row["first_hour"]) == (1, datetime(2018, 1, 1, 18))
    assert "person of goes" in row["sample"]
    assert row["cost"] == "1.00"


def test_the_time_it_takes_is_told_from_the_last_sends_or_else_from_limits(
    settings: Settings, campaign: Campaign
) -> None:
    assert would_leave(settings, campaign)["seconds_from"] == "the limits of the ESP"
    rates = Rates(settings.outbox_url)
    rates.note("folder", 0, 5.0)
    assert rates.messages_per_second("folder") is None
    rates.note("folder", 10, 20.0)
    rates.note("folder", 10, 5.0)
    rates.note("elsewhere", 1000, 1.0)
    row = would_leave(settings, campaign)
    assert (row["seconds"], row["seconds_from"]) == (3.8, "the last sends")


def test_its_words_name_reasons_price_and_time(settings: Settings, campaign: Campaign) -> None:
    said = "\n".join(dry_run.lines(would_leave(settings, campaign)))
    for words in (
        "3 of 9 would get it, 1 have it already",
        "offer took the place of 1",
        "cost: about 1.50",
        "takes about",
    ):
        assert words in said, said


def test_what_has_to_wait_is_noted_once_with_when_it_was_due(settings: Settings, campaign: Campaign) -> None:
    warehouse = Warehouse(settings.warehouse)
    assert note_deferred(warehouse, NOW) == 3
    assert note_deferred(warehouse, NOW + timedelta(hours=1)) == 0
    # What the gate holds counts from now on, too; whom something is against does not.
    assert note_deferred(warehouse, NOW + timedelta(hours=2), {campaign.name}) == 3
    rows = warehouse.rows(
        "select message_id, reason, due_at, deferred_at from raw.message_deferrals order by message_id"
    )
    noted = {row["message_id"]: (row["reason"], row["deferred_at"]) for row in rows}
    later = datetime(2018, 1, 1, 14)
    assert noted == {
        "capped": ("capped", datetime(2018, 1, 1, 12)), "capped_too": ("capped", datetime(2018, 1, 1, 12)),
        "paused": ("paused", datetime(2018, 1, 1, 12)),
        "goes": ("gate", later), "waits": ("gate", later), "just_went": ("gate", later),
    }  # fmt: skip
    assert {row["due_at"] for row in rows} == {datetime(2018, 1, 1, 12)}


def test_every_campaign_has_its_pace_in_one_row(campaign: Campaign) -> None:
    rows = pacing_table(load_campaigns()).to_pylist()
    assert len({row["campaign"] for row in rows}) == len(rows) == len(load_campaigns())
    (row,) = [row for row in rows if row["campaign"] == campaign.name]
    assert row["sender_domain"] == campaign.sender.domain
    assert row["lifetime_seconds"] == 7 * 86_400
