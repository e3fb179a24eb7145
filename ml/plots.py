"""Pictures of model quality, as PNG bytes that are the same each time."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

_SHOWN_FEATURES = 14


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
    """Each metric as a multiple of its baseline's, with both in figures; biases, which may be below 0, are left out."""
    rows = [
        row
        for row in evaluations.to_pylist()
        if row["value"] is not None and (row["baseline_value"] or 0) > 0 and not row["metric"].endswith("_bias")
    ]
    figure = Figure(figsize=(5.6, 0.9 + 0.42 * max(len(rows), 1)), layout="constrained")
    axes = figure.subplots()
    times = [row["value"] / row["baseline_value"] for row in rows]
    axes.barh(range(len(rows)), times, height=0.6, color="#3b6ea8")
    for place, row in enumerate(rows):
        words = f"{row['value']:.4g}, baseline {row['baseline_value']:.4g}"
        axes.text(0.03, place, words, va="center", fontsize=8, color="white")
    axes.axvline(1, color="0.4", linewidth=1, linestyle="--")
    axes.set_yticks(range(len(rows)), [_named(row["model"], row["metric"]) for row in rows], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, max([1.2, *times]) * 1.02)
    axes.set(xlabel="times the baseline", title="On held-out time, against the baseline")
    return _png(figure)


def _named(model: str, metric: str) -> str:
    words = metric.replace("_", " ")
    return f"{model.replace('_', ' ')}\n{words}" + (" (less is better)" if metric.endswith("_mae") else "")


def drift(features: pa.Table, *, limit: float) -> bytes:
    """The population stability index of the score and of what moved most (columns feature, psi), the largest on top."""
    rows = sorted(features.to_pylist(), key=lambda row: (row["psi"], row["feature"]))[-_SHOWN_FEATURES:]
    figure = Figure(figsize=(5.6, 0.9 + 0.24 * max(len(rows), 4)), layout="constrained")
    axes = figure.subplots()
    colours = ["#c0504d" if row["psi"] > limit else "#3b6ea8" for row in rows]
    axes.barh(range(len(rows)), [row["psi"] for row in rows], color=colours)
    axes.set_yticks(range(len(rows)), [row["feature"].replace("_", " ") for row in rows], fontsize=8)
    axes.axvline(limit, color="0.5", linewidth=1, linestyle="--")
    axes.set(xlabel="population stability index", title="Who is scored against who was learned from")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
