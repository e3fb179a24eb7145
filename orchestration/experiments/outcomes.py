"""What experiments came to, from the sums that dbt makes to the table that people read."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ml import experiments
from orchestration.experiments.tables import OUTCOMES_SQL, TABLE
from orchestration.warehouse import Warehouse

__all__ = ["OUTCOMES_SQL", "TABLE", "measure", "mismatches"]


def measure(warehouse: Warehouse) -> pa.Table:
    """Writes the table of results anew, and returns it."""
    results = experiments.results(warehouse.table(OUTCOMES_SQL))
    warehouse.replace(TABLE, results)
    return results


def mismatches(results: pa.Table) -> list[str]:
    """The campaigns whose arms have not the sizes that were drawn, one sentence each."""
    found: dict[str, dict[str, Any]] = {
        row["campaign"]: row for row in results.to_pylist() if row["is_sample_ratio_ok"] is False
    }
    return [
        f"{campaign}: its arms have other sizes than campaign.yml draws (p = {row['sample_ratio_p_value']:.1e}): "
        "believe none of its differences. Either its shares or variants were changed while it ran (give it a new "
        "name), or something after the draw leaves people out of one arm."
        for campaign, row in sorted(found.items())
    ]
