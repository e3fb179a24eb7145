"""Hour after hour of small refreshes leaves the very tables that one full rebuild makes."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration import dbt
from orchestration.segments.observing import observe
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.building import land, prepare, refresh, run_dbt
from tests.comparing import differing_tables, lasting_tables
from tests.hourly_world import HourlyWorld

_LANDED = datetime(2018, 3, 24, tzinfo=UTC)
# What a run hands over lands before the next one: most at once, some still planned and handed over an hour later.
_PLANNED = """
    insert into raw.outbox_messages by name
    select
        message_id, campaign, occurrence, person_id, case when not is_holdout then email end as email, variant,
        case
            when is_holdout then 'held_out'
            when message_id < '04' then 'rejected'
            when message_id < '50' then 'planned'
            else 'accepted'
        end as state,
        1 as attempts, 1 as revision, is_holdout, ? as planned_at,
        case when message_id >= '50' and not is_holdout then ? end as accepted_at, ? as _landed_at
    from core.message_candidates
    where (exclusion_reason is null and not is_planned) or is_holdout
"""
_HANDED_OVER = """
    insert into raw.outbox_messages by name
    select * replace (2 as revision, 'accepted' as state, ? as accepted_at, ? as _landed_at)
    from (
        select * from raw.outbox_messages
        qualify row_number() over (partition by message_id order by revision desc) = 1
    )
    where state = 'planned' and planned_at < ?
"""
_SENT_STEPS = "select count(*) as sent_count from core.journey_steps_taken where state = 'sent'"


# A trigger's refresh leaves the scores only where nobody of its people ordered.
_SCORED_OTHERWISE = """
    with bought as (
        select person_id, last_ordered_at, orders_count, total_spent_amount from core.profiles where orders_count > 0
    ), scored as (
        select person_id, last_ordered_at, orders_count, total_spent_amount from core.rfm_scores
    )
    (from bought except from scored) union all (from scored except from bought)
"""


def test_a_few_hourly_refreshes_give_the_tables_of_a_full_rebuild(tmp_path: Path) -> None:
    settings, as_of = _refresh_hourly(tmp_path, hours=2, compare_every=2)

    # In haste the order lines since the last refresh are tested, and by other builds all of them.
    _double(settings, "date '2017-06-01'")
    assert _is_sound(settings, as_of, is_in_haste=True)
    assert not _is_sound(settings, as_of, is_in_haste=False)
    _double(settings, f"timestamp '{as_of.replace(tzinfo=None)}'")
    assert not _is_sound(settings, as_of, is_in_haste=True)


def test_rows_that_moved_within_a_refresh_are_found_by_their_keys(tmp_path: Path) -> None:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path / "hourly")})
    world = HourlyWorld(settings.landing, seed=5)
    as_of = world.write_history()
    land(settings, _LANDED)
    refresh(settings, as_of)
    as_of = world.write_hour(0)
    land(settings, _LANDED + timedelta(hours=1))
    prepare(settings, as_of)
    looking = ["+touched_acts", "+stale_sessions"]

    _build(settings, as_of, "--select", *looking)
    with Warehouse(settings.warehouse).transaction() as connection:
        for table, key in (("activity", "activity_id"), ("sessions", "session_id")):
            connection.execute(f"create temp table moved as select * from core.{table} order by hash({key})")
            connection.execute(f"delete from core.{table}")
            connection.execute(f"insert into core.{table} select * from moved")
            connection.execute("drop table moved")
    _build(settings, as_of, "--exclude", *looking)
    observe(Warehouse(settings.warehouse), as_of)

    assert _last_mode(settings) == "incremental"
    for changes in ("touched_acts", "stale_sessions"):
        assert Warehouse(settings.warehouse).rows(f"select 1 from core.{changes} limit 1"), changes
    rebuilt = _rebuilt(settings, tmp_path / "rebuilt", as_of)
    assert differing_tables(settings.warehouse, rebuilt.warehouse, lasting_tables(settings)) == {}


def _build(settings: Settings, as_of: datetime, *selected: str) -> None:
    """A part of a refresh, in a run of dbt of its own."""
    run_dbt(
        [
            "build", *selected, "--resource-type", "model", "--resource-type", "seed", "--project-dir",
            str(dbt.DBT_PROJECT), "--target-path", str(dbt.target_path(settings)), "--vars", dbt.variables(as_of),
        ],
        dbt.build_environment(settings),
    )  # fmt: skip


def _double(settings: Settings, ordered_at: str) -> None:
    """Puts an order line of that time in twice."""
    with Warehouse(settings.warehouse).transaction() as connection:
        doubled = f"select * replace ({ordered_at} as ordered_at, 'twice' as order_id) from core.order_lines limit 1"
        connection.execute(f"insert into core.order_lines {doubled}")
        connection.execute(f"insert into core.order_lines {doubled}")


def _is_sound(settings: Settings, as_of: datetime, *, is_in_haste: bool) -> bool:
    """Whether a build of that kind lets the order lines pass."""
    try:
        run_dbt(
            [
                "build", "--select", "sound_order_lines", "--project-dir", str(dbt.DBT_PROJECT), "--target-path",
                str(dbt.target_path(settings)), "--vars", dbt.variables(as_of, is_in_haste=is_in_haste),
            ],
            dbt.build_environment(settings),
        )  # fmt: skip
    except AssertionError as failed:
        assert "sound_order_lines" in str(failed), failed
        return False
    return True


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_72_hourly_refreshes_give_the_tables_of_a_full_rebuild(tmp_path: Path, seed: int) -> None:
    _refresh_hourly(tmp_path, hours=72, compare_every=6, seed=seed)


def _refresh_hourly(folder: Path, *, hours: int, compare_every: int, seed: int = 5) -> tuple[Settings, datetime]:
    settings = load_settings({"SINCERELY_HOME": str(folder / "hourly")})
    world = HourlyWorld(settings.landing, seed=seed)
    as_of = world.write_history()
    land(settings, _LANDED)
    refresh(settings, as_of)
    _send(settings, as_of)
    for hour in range(hours):
        as_of = world.write_hour(hour)
        land(settings, _LANDED + timedelta(hours=hour + 1))
        if hour % 3 == 1:
            refresh(settings, as_of - timedelta(minutes=25), is_partial=True)
            assert _last_mode(settings) == "partial"
            assert Warehouse(settings.warehouse).rows(_SCORED_OTHERWISE) == []
        refresh(settings, as_of)
        assert _last_mode(settings) == "incremental"
        if (hour + 1) % compare_every == 0:
            rebuilt = _rebuilt(settings, folder / f"rebuilt-{hour}", as_of)
            assert differing_tables(settings.warehouse, rebuilt.warehouse, lasting_tables(settings)) == {}, hour
        _send(settings, as_of)
    assert Warehouse(settings.warehouse).rows(_SENT_STEPS)[0]["sent_count"] > 0
    return settings, as_of


def _send(settings: Settings, as_of: datetime) -> None:
    """Plans and hands over what the refresh found due, as the outbox lands it."""
    handed_over, landed = as_of + timedelta(seconds=20), as_of + timedelta(minutes=1)
    with Warehouse(settings.warehouse).transaction() as connection:
        connection.execute(_HANDED_OVER, [as_of, landed, as_of])
        connection.execute(_PLANNED, [as_of, handed_over, landed])


def _rebuilt(settings: Settings, home: Path, as_of: datetime) -> Settings:
    """What `sincerely run --full-refresh` makes of the same landed rows."""
    home.mkdir()
    shutil.copy(settings.warehouse, home)
    rebuilt = load_settings({"SINCERELY_HOME": str(home)})
    Warehouse(rebuilt.warehouse).forget_derived()
    refresh(rebuilt, as_of)
    assert _last_mode(rebuilt) == "full"
    return rebuilt


def _last_mode(settings: Settings) -> str:
    (row,) = Warehouse(settings.warehouse).rows(
        "select mode, is_complete from core.refreshes order by refresh desc limit 1"
    )
    assert row["is_complete"]
    return str(row["mode"])
