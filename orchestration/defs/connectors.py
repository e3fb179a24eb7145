"""Databases and APIs: one asset for each table and resource of the home's `sources.toml`."""

from collections.abc import Sequence

import dagster as dg

from orchestration.connectors.settings import load_streams
from orchestration.connectors.streams import SqlTable, Stream
from orchestration.connectors.sync import sync
from orchestration.defs.resources import Home
from orchestration.landing.contract import Entity
from orchestration.settings import load_settings

_CHECK = "everything_was_read"

STREAMS: Sequence[Stream] = load_streams(load_settings().home)


def deps(entity: Entity) -> list[dg.AssetKey]:
    """The syncs that the landing of an entity waits for."""
    return [dg.AssetKey(stream.key) for stream in STREAMS if stream.entity == entity]


def _sync_asset(stream: Stream) -> dg.AssetsDefinition:
    key = dg.AssetKey(stream.key)
    how = "what is new" if stream.cursor else "all of it, and what vanished"

    @dg.asset(
        key=key,
        kinds={"dlt", "sqlalchemy" if isinstance(stream.origin, SqlTable) else "api"},
        group_name="landing",
        description=f"`{stream.entity.label}` from {stream.connector}, {stream.origin.label}: {how}, as files to land.",
        check_specs=[
            dg.AssetCheckSpec(_CHECK, asset=key, description="The source answered, and all that is new was taken.")
        ],
    )
    def synced(home: Home) -> dg.MaterializeResult:
        done = sync(stream, home.settings())
        # A check that fails, not a step: the files of the other sources still land.
        return dg.MaterializeResult(
            metadata={"dagster/row_count": done.rows_delivered, "rows_read": done.rows_read, "files": done.files},
            check_results=[
                dg.AssetCheckResult(
                    check_name=_CHECK,
                    passed=not done.problem,
                    metadata={stream.connector: done.problem} if done.problem else {},
                )
            ],
        )

    return synced


sync_assets = [_sync_asset(stream) for stream in STREAMS]
