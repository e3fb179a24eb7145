"""What the audits of the data found, for pages and for the status: counts and reasons, no personal data."""

from __future__ import annotations

from typing import Any

from orchestration.warehouse import Warehouse

_QUERIES = {
    "worse": "select level, words from quality.regressions order by level, words",
    "findings": """
        select level, area, kind, subject, found_count, figure as share
        from quality.audits
        where area in ('duplicates', 'inconsistencies') and found_count > 0
        order by level = 'ok', level, area desc, found_count desc, kind, subject
    """,
    "not_found": """
        select kind
        from quality.audits
        where area in ('duplicates', 'inconsistencies') and found_count = 0
        order by area, kind
    """,
    "freshness": "select level, entity, rows_count, newest_at, age_days from quality.freshness order by entity",
    "reconciliation": """
        select
            source || '_' || entity as entity, count(*) as files, sum(rows_received)::bigint as received,
            sum(rows_staged)::bigint as staged, sum(rows_quarantined)::bigint as quarantined,
            sum(rows_duplicate)::bigint as exact_repeats
        from quality.load_reconciliation
        group by all
        order by all
    """,
    "quarantine": """
        select source || '_' || entity as entity, reason, count(*) as rows_count
        from quality.quarantine
        group by all
        order by all
    """,
    # A column that is always filled in, or never, has no story to tell.
    "completeness": """
        select
            entity, column_name, count(*) as landings, max_by(share, landing_number) as newest_share,
            array_agg(share order by landing_number) as shares
        from (
            select *
            from quality.data_quality
            where measure = 'completeness' and share is not null
            qualify row_number() over (partition by entity, column_name order by landing_number desc) <= 20
        )
        group by all
        having min(share) < 1 and max(share) > 0
        order by all
    """,
}
_ABOVE_LIMITS = """
    select words
    from quality.audits
    where level <> 'ok' and area <> 'regressions'
    order by level, area, words
"""


def collect(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """The rows of each part of the report's section on data quality."""
    return {name: warehouse.rows(sql) for name, sql in _QUERIES.items()}


def found(warehouse: Warehouse) -> list[str]:
    """One sentence for each audit above its limits, failures first."""
    if not warehouse.exists("quality.audits"):
        return []
    return [str(row["words"]) for row in warehouse.rows(_ABOVE_LIMITS)]


def got_worse(warehouse: Warehouse) -> list[str]:
    """One line for each measure that is worse in the newest landing of its entity than before."""
    if not warehouse.exists("quality.regressions"):
        return []
    return [str(row["words"]) for row in warehouse.rows(_QUERIES["worse"])]
