"""What ran, what waits, what is wrong."""

from __future__ import annotations

from orchestration.delivery.outbox import Outbox
from orchestration.locks import holder
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

_FAILED_LOADS = """
    select file, error
    from raw.loads
    qualify row_number() over (partition by file order by landed_at desc) = 1
    and status = 'failed'
    order by file
"""
_FRESHNESS = "select entity, rows_count, age_days from quality.freshness order by entity"


def collect(settings: Settings) -> dict[str, list[str]]:
    """Lines for a person under the titles: running, landed, refused files, quarantine, waiting."""
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    running = holder(settings.home / "run.lock")
    facts: dict[str, list[str]] = {"running": [running] if running else []}
    if not settings.warehouse.exists():
        return {**facts, "landed": ["nothing yet; run `sincerely run`"]}
    if warehouse.exists("quality.freshness"):
        facts["newest_record_of_each_source"] = [
            f"{row['entity']}: {row['rows_count']:,} rows"
            + (f", {row['age_days']:.1f} days old" if row["age_days"] is not None else "")
            for row in warehouse.rows(_FRESHNESS)
        ]
    if warehouse.exists("raw.loads"):
        facts["refused_files"] = [str(row["error"]) for row in warehouse.rows(_FAILED_LOADS)]
    if warehouse.exists("quality.quarantine"):
        facts["quarantine"] = [
            f"{row['file']} row {row['row_number']}: {row['reason']}"
            for row in warehouse.rows("select file, row_number, reason from quality.quarantine order by all limit 20")
        ]
    facts["outbox"] = [
        f"{campaign}: {count:,} {state.replace('_', ' ')}"
        for (campaign, state), count in sorted(Outbox(settings.outbox_url).counts().items())
    ]
    return facts
