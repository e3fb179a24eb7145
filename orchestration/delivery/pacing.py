"""What campaigns say of caps, quiet hours and lifetimes, as SQL reads it; and what had to wait, noted once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign

_DEFER_SQL = Path(__file__).with_name("defer.sql")
_PACING = pa.schema(
    [
        ("campaign", pa.string()),
        ("sender_domain", pa.string()),
        ("cap_per_day", pa.int64()),
        ("cap_per_week", pa.int64()),
        ("ignores_caps", pa.bool_()),
        ("quiet_from_hour", pa.int64()),
        ("quiet_until_hour", pa.int64()),
        ("send_from_hour", pa.int64()),
        ("send_until_hour", pa.int64()),
        ("lifetime_seconds", pa.int64()),
    ]
)


def pacing_table(campaigns: Iterable[Campaign]) -> pa.Table:
    """One row per campaign; what is null is as the project's vars say."""
    return pa.Table.from_pylist([_row(campaign) for campaign in campaigns], _PACING)


def note_deferred(warehouse: Warehouse, as_of: datetime, held: Collection[str] = ()) -> int:
    """Notes the messages that wait, and those of the `held` campaigns, as first put off at `as_of` (UTC).

    A message that was put off before is not noted again: its lifetime counts from the first time. Returns how many
    are new.
    """
    at = [as_of.replace(tzinfo=None), datetime.now(UTC).replace(tzinfo=None), sorted(held)]
    with warehouse.transaction() as connection:
        return int(connection.execute(_DEFER_SQL.read_text(encoding="utf-8"), at).fetchall()[0][0])


def _row(campaign: Campaign) -> dict[str, object]:
    pacing, send_at = campaign.pacing, campaign.send_at
    return {
        "campaign": campaign.name,
        "sender_domain": campaign.sender.domain.lower(),
        "cap_per_day": pacing.cap_per_day,
        "cap_per_week": pacing.cap_per_week,
        "ignores_caps": pacing.ignores_caps,
        "quiet_from_hour": pacing.quiet_hours.from_hour if pacing.quiet_hours else None,
        "quiet_until_hour": pacing.quiet_hours.until_hour if pacing.quiet_hours else None,
        "send_from_hour": send_at.from_hour if send_at else None,
        "send_until_hour": send_at.until_hour if send_at else None,
        "lifetime_seconds": int(pacing.lifetime.total_seconds()) if pacing.lifetime else None,
    }
