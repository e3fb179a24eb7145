"""What was decided about each version of each model, as a table."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home


@dg.asset(
    key=["ml", "model_decisions"],
    group_name="models",
    kinds={"python"},
    deps=[["ml", "churn_predictions"], ["ml", "lifetime_values"], ["ml", "recommendations"]],
    pool=WAREHOUSE_POOL,
)
def model_decisions(home: Home) -> dg.MaterializeResult:
    """One row per trained version: whether it was put in use, beside which champion, and why."""
    # Imported when it runs: the numeric libraries take seconds, and most runs train nothing.
    from orchestration.models import tables

    rows = home.warehouse().replace("ml.model_decisions", tables.decisions(home.settings().models))
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})
