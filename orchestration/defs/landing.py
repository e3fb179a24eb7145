"""What lands: files of the landing zone, campaigns, the outbox's state."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pyarrow as pa

from orchestration.defs import connectors, suppressions
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.delivery import planner
from orchestration.delivery.controls import Controls
from orchestration.delivery.pacing import pacing_table
from orchestration.errors import LandingError
from orchestration.journeys import linting as journeys_of
from orchestration.journeys.tables import journey_tables
from orchestration.landing import deletions, files
from orchestration.landing.contract import ENTITIES, Entity
from orchestration.landing.keys import email_hash_key
from orchestration.settings import CAMPAIGNS
from rendering.campaign import load_campaigns

_LEDGER = (
    "loads", "rejects", "schema_changes", "deletions", "snapshots", "hash_keys", "segment_changes",
    "message_deferrals",
)  # fmt: skip
_RAW: dict[str, Any] = {"group_name": "landing", "pool": WAREHOUSE_POOL}


# A message costs milliseconds: enough of them to see that many files move on.
_TELL_EVERY = 100


def _landing_asset(entity: Entity) -> dg.AssetsDefinition:
    key = dg.AssetKey(["raw", entity.table])

    @dg.asset(
        key=key,
        kinds={"duckdb", "file"},
        description=f"Files of `landing/{entity.label}/` as received, append-only; each is landed once.",
        check_specs=[
            dg.AssetCheckSpec(
                "every_file_landed",
                asset=key,
                description="No file of the landing zone was refused.",
            )
        ],
        deps=[dg.AssetKey(["raw", "tables"]), *connectors.deps(entity), *_received_by_us(entity)],
        **_RAW,
    )
    def landed(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
        def tell(number: int, count: int, file: str) -> None:
            if number % _TELL_EVERY == 0:
                context.log.info(f"landing file {number:,} of {count:,} of {entity.label}")

        loads = files.land(home.warehouse(), home.settings().landing, entity, datetime.now(UTC), tell)
        new = [load for load in loads if load.status == "landed"]
        failed = [load for load in loads if load.status == "failed"]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(load.rows_received for load in new),
                "rows_quarantined_as_unreadable": sum(load.rows_rejected for load in new),
                "files_landed": len(new),
                "files_landed_before": sum(load.status == "repeated" for load in loads),
                "files_refused": len(failed),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="every_file_landed",
                    passed=not failed,
                    metadata={load.file: load.error for load in failed},
                )
            ],
        )

    return landed


def _received_by_us(entity: Entity) -> list[dg.AssetKey]:
    return [dg.AssetKey(suppressions.RECEIVED)] if entity.label == "/".join(suppressions.RECEIVED) else []


landing_assets = [_landing_asset(entity) for entity in ENTITIES]


@dg.asset(key=["raw", "tables"], kinds={"duckdb"}, **_RAW)
def raw_tables(home: Home) -> dg.MaterializeResult:
    """Empty raw tables, so that a source that never came is an empty one."""
    warehouse = home.warehouse()
    files.prepare(warehouse)
    home.settings().landing.mkdir(parents=True, exist_ok=True)
    warehouse.replace("raw.hash_keys", pa.table({"key": [email_hash_key(home.settings().secret)]}))
    return dg.MaterializeResult(metadata={"tables": len(ENTITIES)})


@dg.multi_asset(
    specs=[
        dg.AssetSpec(["raw", "loads"], deps=landing_assets, kinds={"duckdb"}, group_name="landing",
                     description="One row per attempt to land a file."),
        dg.AssetSpec(["raw", "rejects"], deps=landing_assets, kinds={"duckdb"}, group_name="landing",
                     description="One row per line that could not be read as a row."),
        dg.AssetSpec(["raw", "schema_changes"], deps=landing_assets, kinds={"duckdb"}, group_name="landing",
                     description="One row per column that a load changed against the load before it."),
        dg.AssetSpec(["raw", "deletions"], deps=landing_assets, kinds={"duckdb"}, group_name="landing",
                     description="One row per change of a key that vanished from its source, or came back."),
        dg.AssetSpec(["raw", "snapshots"], deps=landing_assets, kinds={"duckdb"}, group_name="landing",
                     description="One row per full refresh of a source, with how many keys it deleted."),
        dg.AssetSpec(["raw", "hash_keys"], deps=[["raw", "tables"]], kinds={"duckdb"}, group_name="landing",
                     description="The key of hashes that outlive erasure."),
        dg.AssetSpec(["raw", "segment_changes"], deps=[["raw", "tables"]], kinds={"duckdb"}, group_name="landing",
                     description="One row per change that earlier builds observed of who is in a segment."),
        dg.AssetSpec(["raw", "message_deferrals"], deps=[["raw", "tables"]], kinds={"duckdb"}, group_name="landing",
                     description="One row per message that earlier runs put off, as they first did."),
    ],
    check_specs=[
        dg.AssetCheckSpec("every_folder_is_known", asset=["raw", "loads"],
                          description="The landing zone holds no folder that no source reads."),
    ],
    pool=WAREHOUSE_POOL,
)  # fmt: skip
def landing_ledger(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """What was landed, what could not be, and what its source has no longer."""
    warehouse = home.warehouse()
    deletions.record(warehouse, home.settings(), list(connectors.STREAMS), home.instant(context))
    strangers = files.strangers(home.settings().landing)
    counts = (f"select '{table}' as name, count(*) as rows_count from raw.{table}" for table in _LEDGER)
    counted = {row["name"]: row["rows_count"] for row in warehouse.rows(" union all ".join(counts))}
    for table in _LEDGER:
        checks = (
            [
                dg.AssetCheckResult(
                    check_name="every_folder_is_known",
                    passed=not strangers,
                    metadata={str(number): text for number, text in enumerate(strangers, 1)},
                )
            ]
            if table == "loads"
            else []
        )
        yield dg.MaterializeResult(
            asset_key=["raw", table],
            metadata={"dagster/row_count": counted[table]},
            check_results=checks,
        )


@dg.multi_asset(
    specs=[
        dg.AssetSpec(["raw", "campaigns"], group_name="campaigns", kinds={"yaml"},
                     description="One row per campaign and audience segment, from the campaigns' files."),
        dg.AssetSpec(["raw", "campaign_variants"], group_name="campaigns", kinds={"yaml"},
                     description="One row per campaign and variant, with its share of the people."),
        dg.AssetSpec(["raw", "campaign_pacing"], group_name="campaigns", kinds={"yaml"},
                     description="One row per campaign, with its own caps, hours and lifetime."),
        dg.AssetSpec(["raw", "campaign_controls"], group_name="campaigns", kinds={"sqlalchemy"},
                     description="One row per campaign's occurrence that a person has paused or cancelled."),
    ],
    pool=WAREHOUSE_POOL,
)  # fmt: skip
def campaigns(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """The campaigns as SQL reads them."""
    loaded = load_campaigns(CAMPAIGNS)
    if not loaded:
        raise LandingError(f"There is no campaign in {CAMPAIGNS}; add a folder with a campaign.yml.")
    audience, variants = planner.campaign_tables(loaded, home.instant(context))
    tables = {
        "campaigns": audience,
        "campaign_variants": variants,
        "campaign_pacing": pacing_table(loaded),
        "campaign_controls": Controls(home.settings().outbox_url).table(),
    }
    for name, table in tables.items():
        rows = home.warehouse().replace(f"raw.{name}", table)
        yield dg.MaterializeResult(asset_key=["raw", name], metadata={"dagster/row_count": rows})


@dg.multi_asset(
    specs=[
        dg.AssetSpec(["raw", "journeys"], group_name="campaigns", kinds={"yaml"},
                     description="One row per journey, from the journeys' files; none that lint holds."),
        dg.AssetSpec(["raw", "journey_rules"], group_name="campaigns", kinds={"yaml"},
                     description="One row per journey, role (entry, exit, goal) and signal that plays it."),
        dg.AssetSpec(["raw", "journey_steps"], group_name="campaigns", kinds={"yaml"},
                     description="One row per journey and step, with the campaign that it sends."),
        dg.AssetSpec(["raw", "journey_conditions"], group_name="campaigns", kinds={"yaml"},
                     description="One row per journey, step and condition that must hold when the step is due."),
    ],
    check_specs=[
        dg.AssetCheckSpec("every_journey_is_sound", asset=["raw", "journeys"],
                          description="No journey is held: each can be read, and names what there is."),
    ],
    pool=WAREHOUSE_POOL,
)  # fmt: skip
def journeys(home: Home) -> Iterator[dg.MaterializeResult]:
    """The journeys as SQL reads them; one that is held sends nothing, and holds no other."""
    sound, held = journeys_of.sound()
    for name, table in journey_tables(sound).items():
        rows = home.warehouse().replace(f"raw.{name}", table)
        checks = (
            [dg.AssetCheckResult(check_name="every_journey_is_sound", passed=not held, metadata=dict(held))]
            if name == "journeys"
            else []
        )
        yield dg.MaterializeResult(asset_key=["raw", name], metadata={"dagster/row_count": rows}, check_results=checks)


@dg.asset(key=["raw", "outbox_messages"], kinds={"sqlalchemy"}, **_RAW)
def outbox_messages(home: Home) -> dg.MaterializeResult:
    """What earlier runs planned and handed over, landed like any source: one row per change of a message."""
    added = files.land_outbox(home.warehouse(), home.outbox(), "raw.outbox_messages")
    return dg.MaterializeResult(metadata={"dagster/row_count": added})
