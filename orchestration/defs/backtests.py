"""The churn model at past instants, a partition each: backfill as many as you want to see."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.settings import parse_instant


@dg.asset(
    key=["ml", "churn_backtests"],
    group_name="backtests",
    kinds={"python", "scikitlearn"},
    partitions_def=dg.MonthlyPartitionsDefinition(start_date="2010-01-01"),
    deps=[["ml", "churn_examples"]],
    pool=WAREHOUSE_POOL,
)
def churn_backtests(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """One row per month start: trained on what lay before it, measured on the horizon after it."""
    # Imported when it runs: the numeric libraries take seconds, and most runs train nothing.
    from orchestration.models import backtest, tables

    cutoff = parse_instant(context.partition_key, "partition")
    row = backtest.backtest(home.settings(), cutoff)
    tables.replace_rows(home.warehouse(), "ml.churn_backtests", row, "cutoff", cutoff)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": row.num_rows, **{name: str(row[name][0]) for name in row.column_names}}
    )
