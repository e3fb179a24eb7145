"""The gate as a table: what each check found of each campaign's present occurrence, and who let it pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from orchestration import dbt
from orchestration.delivery import audience_check
from orchestration.delivery.audience_check import AudienceCheck
from orchestration.delivery.controls import Controls, Release
from orchestration.delivery.planner import occurrence_of
from orchestration.gate.checks import CHECKS, Finding, OnLook, findings
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign

TABLE = "delivery.gate"
HELD_SQL = "select distinct campaign from delivery.gate where is_held order by campaign"
_SCHEMA = pa.schema(
    [
        ("campaign", pa.string()),
        ("occurrence", pa.string()),
        ("check_name", pa.string()),
        ("cause", pa.string()),
        ("is_held", pa.bool_()),
        ("reason", pa.string()),
        ("released_by", pa.string()),
        ("released_because", pa.string()),
        ("released_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Hold:
    """A cause that holds a campaign, or did until a person released it."""

    campaign: str
    occurrence: str
    finding: Finding
    release: Release | None

    @property
    def is_held(self) -> bool:
        return self.release is None

    @property
    def sentence(self) -> str:
        """For people; says what to do."""
        return (
            f"{self.campaign} is held: {self.finding.reason}. Mend it, or "
            f'`sincerely release {self.campaign} {self.finding.check} --because "…"`.'
        )


def found_now(
    warehouse: Warehouse,
    controls: Controls,
    campaigns: Iterable[Campaign],
    as_of: datetime,
    on_look: OnLook | None = None,
) -> list[Hold]:
    """What holds the campaigns at `as_of` (UTC), released or not; nothing is written."""
    campaigns = list(campaigns)
    occurrences = {campaign.name: occurrence_of(campaign, as_of) for campaign in campaigns}
    released = {(each.campaign, each.occurrence, each.check_name, each.cause): each for each in controls.releases()}
    holds = []
    with warehouse.kept_open():
        for found in findings(warehouse, campaigns, dbt.project_vars(), on_look):
            key = (found.campaign, occurrences[found.campaign], found.check, found.cause)
            holds.append(Hold(found.campaign, key[1], found, released.get(key)))
    return holds


def evaluate(warehouse: Warehouse, controls: Controls, campaigns: Iterable[Campaign], as_of: datetime) -> list[Hold]:
    """The same, written into `delivery.gate` with all that holds nothing."""
    campaigns = list(campaigns)
    looked: list[tuple[AudienceCheck, list[str]]] = []
    holds = found_now(warehouse, controls, campaigns, as_of, lambda *each: looked.append(each))
    # The next occurrence is compared with this one.
    for check, reasons in looked:
        audience_check.record(warehouse, check, reasons, as_of)
    found_by = {(hold.campaign, hold.finding.check) for hold in holds}
    passed = [
        {
            "campaign": campaign.name,
            "occurrence": occurrence_of(campaign, as_of),
            "check_name": check,
            "cause": "",
            "is_held": False,
        }
        for campaign in campaigns
        for check in CHECKS
        if (campaign.name, check) not in found_by
    ]
    warehouse.replace(TABLE, pa.Table.from_pylist([*(_row(hold) for hold in holds), *passed], _SCHEMA))
    return holds


def held(holds: Iterable[Hold]) -> frozenset[str]:
    """The campaigns that may not leave."""
    return frozenset(hold.campaign for hold in holds if hold.is_held)


def _row(hold: Hold) -> dict[str, object]:
    release = hold.release
    return {
        "campaign": hold.campaign,
        "occurrence": hold.occurrence,
        "check_name": hold.finding.check,
        "cause": hold.finding.cause,
        "is_held": hold.is_held,
        "reason": hold.finding.reason,
        "released_by": release.released_by if release else None,
        "released_because": release.because if release else None,
        "released_at": release.released_at if release else None,
    }


def held_by_table(warehouse: Warehouse) -> frozenset[str]:
    """The same, as the gate was when it was last evaluated."""
    if not warehouse.exists(TABLE):
        return frozenset()
    return frozenset(row["campaign"] for row in warehouse.rows(HELD_SQL))
