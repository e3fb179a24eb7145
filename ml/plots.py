"""Pictures of model quality, as PNG bytes that are the same each time."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray


def reliability(happened: NDArray[np.bool_], probability: NDArray[np.float64], *, bins: int = 10) -> bytes:
    """What was forecast against what happened, over groups of equal size; an empty plot without rows."""
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(probability, kind="stable")
    groups = [group for group in np.array_split(order, bins) if len(group)]
    forecast = [float(probability[group].mean()) for group in groups]
    outcome = [float(happened[group].mean()) for group in groups]
    top = max([0.05, *forecast, *outcome]) * 1.05
    axes.plot([0, top], [0, top], color="0.7", linewidth=1, label="perfectly calibrated")
    axes.plot(forecast, outcome, marker="o", color="#3b6ea8", label="held-out month")
    axes.set(xlabel="forecast churn probability", ylabel="share that churned", title="Churn: calibration")
    axes.legend(frameon=False)
    return _png(figure)


def against_baseline(evaluations: pa.Table) -> bytes:
    """Each metric's value beside its baseline."""
    rows = [row for row in evaluations.to_pylist() if row["value"] is not None]
    figure = Figure(figsize=(5.2, 0.9 + 0.5 * max(len(rows), 1)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    axes.barh(places - 0.18, [row["value"] for row in rows], height=0.34, color="#3b6ea8", label="model")
    axes.barh(
        places + 0.18,
        [row["baseline_value"] or 0.0 for row in rows],
        height=0.34,
        color="0.75",
        label="baseline",
    )
    axes.set_yticks(places, [f"{row['model']}\n{row['metric'].replace('_', ' ')}" for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.legend(frameon=False)
    axes.set_title("On a held-out month, against the baseline")
    return _png(figure)


def drift(features: pa.Table, *, limit: float) -> bytes:
    """The population stability index of each feature and of the score (columns feature, psi), the largest on top."""
    rows = sorted(features.to_pylist(), key=lambda row: (row["psi"], row["feature"]))
    figure = Figure(figsize=(5.6, 0.9 + 0.17 * max(len(rows), 4)), layout="constrained")
    axes = figure.subplots()
    colours = ["#c0504d" if row["psi"] > limit else "#3b6ea8" for row in rows]
    axes.barh(range(len(rows)), [row["psi"] for row in rows], color=colours)
    axes.set_yticks(range(len(rows)), [row["feature"].replace("_", " ") for row in rows], fontsize=6)
    axes.axvline(limit, color="0.5", linewidth=1, linestyle="--")
    axes.set(xlabel="population stability index", title="Who is scored against who was learned from")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
