"""What every model's asset says of itself: its group, its figures and its picture."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa


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


def keep(png: bytes, folder: Path) -> None:
    """The latest plot, beside the versions."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.png").write_bytes(png)
