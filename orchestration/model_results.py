"""What every model's asset says of itself: its group, its figures and its picture."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

NEWEST_IS_IN_USE = "newest_version_is_in_use"


def specs(model: str, table: str, evaluations: str, deps: list[list[str]], words: str) -> list[dg.AssetSpec]:
    """The table of results and the table of evaluations, in the group of models."""
    shared: dict[str, Any] = {
        "group_name": "models",
        "kinds": {"python", "scikitlearn" if model == "churn" else "scipy"},
    }
    return [
        dg.AssetSpec(["ml", table], deps=deps, description=words, **shared),
        dg.AssetSpec(["ml", evaluations], deps=deps, description=f"How good they are: {model}.", **shared),
    ]


def stamped(results: pa.Table, version: str, as_of: datetime) -> pa.Table:
    """The results with the model_version that made them, and scored_at."""
    scored_at = pa.scalar(as_of.replace(tzinfo=None), pa.timestamp("us"))
    return results.append_column("model_version", pa.repeat(version, results.num_rows)).append_column(
        "scored_at", pa.repeat(scored_at, results.num_rows)
    )


def election_check(asset: list[str]) -> dg.AssetCheckSpec:
    """The check that warns when training made a version that was not put in use."""
    return dg.AssetCheckSpec(
        NEWEST_IS_IN_USE,
        asset=asset,
        description="What was trained now is in use, or a person pinned another version.",
    )


def verdict(check: str, words: str) -> dg.AssetCheckResult:
    """A check that warns in these words, and passes where there are none."""
    return dg.AssetCheckResult(
        check_name=check,
        passed=not words,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"note": words} if words else {},
    )


def figures(evaluations: pa.Table) -> dict[str, Any]:
    """Each metric beside its baseline, for the asset's page."""
    return {
        f"{row['model']} {row['metric']}": dg.MetadataValue.text(
            f"{row['value']:.4f} (baseline {row['baseline_value']:.4f})"
        )
        for row in evaluations.to_pylist()
        if row["value"] is not None and row["baseline_value"] is not None
    }


def picture(png: bytes) -> dg.MetadataValue:
    """A plot that the asset's page shows."""
    return dg.MetadataValue.md(f"![quality](data:image/png;base64,{base64.b64encode(png).decode()})")


def keep(png: bytes, folder: Path, name: str = "latest") -> None:
    """The latest plot, beside the versions."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png)
