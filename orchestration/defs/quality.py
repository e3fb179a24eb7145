"""Quality that SQL cannot say alone: which collected attributes nobody uses."""

import json
from collections.abc import Iterator

import dagster as dg

from orchestration import dbt
from orchestration.defs import warehouse as built
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.lineage import attributes
from orchestration.lineage.project import lineage
from orchestration.settings import CAMPAIGNS
from rendering.campaign import load_campaigns

# All of dbt has to be built; it is enough to wait for the models that no other model waits for.
_MODELS = (built.dbt_models, built.dbt_models_after_sending)
_LAST_MODELS = sorted(
    set().union(*(each.keys for each in _MODELS))
    - set().union(*(deps for each in _MODELS for deps in each.asset_deps.values()))
)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            ["quality", "unused_attributes"],
            deps=_LAST_MODELS,
            group_name="quality",
            kinds={"python"},
            description=(
                "One row per collected attribute that nobody uses: a column of a landed file, or a key that the "
                "contract does not know, with a value in at least one row. A use is to be read by a campaign's "
                "token or rule, a model's feature, the report or an exposure, or to decide anything in a model "
                "after staging: a join, a filter, a group, an order, an expression. Casting, cleaning, copying "
                "(also of the newest value), dropping repeats, refusing a row and the tables of quality are no use. "
                "What cannot be read counts as using all that it might. `carried_to` says where copies lie."
            ),
        ),
        dg.AssetSpec(
            ["quality", "attribute_uses"],
            deps=_LAST_MODELS,
            group_name="quality",
            kinds={"python"},
            description="One row per collected attribute, who uses it, and how.",
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_query_is_understood",
            asset=["quality", "unused_attributes"],
            description="No query had to be counted, in doubt, as using every column that it reads.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def unused_attributes(home: Home) -> Iterator[dg.MaterializeResult]:
    """Which collected attributes nobody uses, and who uses the others."""
    # Imported when it runs: the numeric libraries take seconds, and most runs do not ask.
    from orchestration.lineage.readers import all_readers

    warehouse, settings = home.warehouse(), home.settings()
    manifest = json.loads(dbt.manifest(settings).read_text(encoding="utf-8"))
    found = lineage(
        manifest,
        dbt.compiled(settings, manifest),
        attributes.source_tables(warehouse, manifest),
        all_readers(load_campaigns(CAMPAIGNS)),
    )
    collected = attributes.collected(warehouse)
    unused = warehouse.replace("quality.unused_attributes", attributes.unused_attributes(collected, found))
    uses = warehouse.replace("quality.attribute_uses", attributes.attribute_uses(collected, found))
    yield dg.MaterializeResult(
        asset_key=["quality", "unused_attributes"],
        metadata={"dagster/row_count": unused, "attributes": len(collected)},
        check_results=[
            dg.AssetCheckResult(
                check_name="every_query_is_understood",
                passed=not found.unread,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    name: f"Unused attributes: {name} counts as using all that it reads, for {reason}."
                    for name, reason in found.unread.items()
                },
            )
        ],
    )
    yield dg.MaterializeResult(asset_key=["quality", "attribute_uses"], metadata={"dagster/row_count": uses})
