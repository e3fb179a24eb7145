"""What ran, what waits, what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration import audits
from orchestration.connectors import last_syncs
from orchestration.delivery.complaints import lines as complaints_of
from orchestration.delivery.controls import Controls
from orchestration.delivery.handing_over import unknown_lines
from orchestration.delivery.outbox import Outbox
from orchestration.locks import holder
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.webhooks import status as webhooks

_FAILED_LOADS = """
    select file, error
    from raw.loads
    qualify row_number() over (partition by file order by landed_at desc) = 1
    and status = 'failed'
    order by file
"""
# What the newest load of each kind of file changed against the one before it.
_DRIFT = """
    with newest as (
        select load_id
        from raw.loads
        where status = 'landed'
        qualify row_number() over (
            partition by source, entity, regexp_replace(file, '[0-9]+', '#', 'g') order by landed_at desc, rowid desc
        ) = 1
    )
    select file, column_name, change, kind_before, kind_after
    from raw.schema_changes
    inner join newest using (load_id)
    order by file, column_name
"""
_QUARANTINE = """
    select file, row_number, reason from quality.quarantine where is_open order by all limit 20
"""
_UNUSED = """
    select
        source || '/' || entity as entity,
        count(*) as attributes_count,
        string_agg(attribute, ', ' order by attribute) as names
    from quality.unused_attributes group by all order by all
"""
_FAILED_SEGMENTS = "select failure from core.segment_refreshes where not is_refreshed order by segment"
_HELD = """
    select campaign, occurrence, check_name, is_held, reason, released_by, released_because
    from delivery.gate
    where reason is not null
    order by is_held desc, campaign, check_name, cause
"""
_FRESHNESS = "select entity, rows_count, age_days from quality.freshness order by entity"


def collect(settings: Settings) -> dict[str, list[str]]:
    """Lines for a person: running, landed, refused files, drift, quarantine, audits, what nobody uses, waiting."""
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    running = holder(settings.home / "run.lock")
    facts: dict[str, list[str]] = {"running": [running] if running else []}
    if synced := last_syncs.lines(settings.home):
        facts["connectors"] = synced
    if pushed := webhooks.lines(settings):
        facts["webhooks"] = pushed
    if not settings.warehouse.exists():
        return {**facts, "landed": ["nothing yet; run `sincerely run`"]}
    with warehouse.kept_open():
        return facts | _known(settings, warehouse)


def _known(settings: Settings, warehouse: Warehouse) -> dict[str, list[str]]:
    """What the warehouse and the outbox have to say."""
    facts: dict[str, list[str]] = {}
    if warehouse.exists("quality.freshness"):
        facts["newest_record_of_each_source"] = [
            f"{row['entity']}: {row['rows_count']:,} rows"
            + (f", {row['age_days']:.1f} days old" if row["age_days"] is not None else "")
            for row in warehouse.rows(_FRESHNESS)
        ]
    if warehouse.exists("raw.loads"):
        facts["refused_files"] = [str(row["error"]) for row in warehouse.rows(_FAILED_LOADS)]
    if warehouse.exists("raw.schema_changes"):
        facts["columns_that_changed_since_the_last_load"] = [_drift(row) for row in warehouse.rows(_DRIFT)]
    if warehouse.exists("quality.quarantine"):
        facts["quarantine"] = [
            f"{row['file']} row {row['row_number']}: {row['reason']}" for row in warehouse.rows(_QUARANTINE)
        ]
    if warehouse.exists("quality.unused_attributes"):
        facts["collected_and_used_by_nobody"] = _unused(warehouse.rows(_UNUSED))
    if warehouse.exists("core.segment_refreshes"):
        facts["segments_that_failed"] = [str(row["failure"]) for row in warehouse.rows(_FAILED_SEGMENTS)]
    facts["what_the_audits_found"] = audits.found(warehouse)
    facts["what_got_worse"] = audits.got_worse(warehouse)
    if complaints := complaints_of(warehouse):
        facts["complaints"] = complaints
    outbox = Outbox(settings.outbox_url)
    facts["outbox"] = [
        f"{campaign}: {count:,} {state.replace('_', ' ')}"
        for (campaign, state), count in sorted(outbox.counts().items())
    ]
    if unknown := unknown_lines(outbox, timedelta(hours=settings.unknown_hours)):
        facts["unknown_whether_the_esp_took_them"] = unknown
    if controls := Controls(settings.outbox_url).in_force():
        facts["paused_or_cancelled"] = [
            f"{each.campaign}{f' ({each.occurrence})' if each.occurrence else ''}: {each.control} by {each.decided_by} "
            f"at {each.decided_at.isoformat(timespec='seconds')}Z"
            for each in controls
        ]
    if warehouse.exists("delivery.gate") and (held := warehouse.rows(_HELD)):
        facts["held_by_the_gate"] = [_hold(row) for row in held]
    if waiting := outbox.waiting(settings.as_of or datetime.now(UTC)):
        facts["waiting_for_their_hour"] = [
            f"{campaign}: {count:,} of the planned, the first at {first.isoformat()}Z"
            for campaign, (count, first) in sorted(waiting.items())
        ]
    return facts


def _hold(row: dict[str, Any]) -> str:
    where = f"{row['campaign']} ({row['occurrence']}), {row['check_name']}: {row['reason']}"
    return where if row["is_held"] else f"{where}; released by {row['released_by']}: {row['released_because']}"


def _drift(row: dict[str, Any]) -> str:
    where = f"{row['file']}: {row['column_name']}"
    if row["change"] == "added":
        return f"{where} is new ({row['kind_after']})"
    if row["change"] == "removed":
        return f"{where} is gone (was {row['kind_before']})"
    return f"{where} was {row['kind_before']}, is {row['kind_after']}"


def _unused(rows: list[dict[str, Any]]) -> list[str]:
    total = sum(row["attributes_count"] for row in rows)
    if not total:
        return []
    head = f"{total} {'attribute' if total == 1 else 'attributes'}; `quality.unused_attributes` says why:"
    return [head, *(f"{row['entity']}: {row['names']}" for row in rows)]
