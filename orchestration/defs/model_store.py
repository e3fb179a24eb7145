"""The model store as tables: what was decided about each version, and the figures that each was stored with."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.models import tables

_SHARED: dict[str, Any] = {
    "group_name": "models",
    "kinds": {"python"},
    "deps": [["ml", "churn_predictions"], ["ml", "lifetime_values"], ["ml", "recommendations"]],
}


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            ["ml", "model_decisions"],
            description="One row per trained version: whether it was put in use, beside which champion, and why.",
            **_SHARED,
        ),
        dg.AssetSpec(
            ["ml", "model_figures"],
            description="One row per stored version and metric, as measured on held-out time when it was trained.",
            **_SHARED,
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def model_store(home: Home) -> Iterator[dg.MaterializeResult]:
    """What stands in the home's models/, so that SQL can ask it."""
    warehouse, folder = home.warehouse(), home.settings().models
    for name, table in (("model_decisions", tables.decisions(folder)), ("model_figures", tables.figures(folder))):
        rows = warehouse.replace(f"ml.{name}", table)
        yield dg.MaterializeResult(asset_key=["ml", name], metadata={"dagster/row_count": rows})
