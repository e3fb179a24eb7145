"""Draws the asset graph as an SVG: `python -m orchestration.graph_picture FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import dagster as dg

_COLUMN, _ROW, _WIDTH, _HEIGHT = 150, 19, 128, 15
# From the sources on the left to the reports on the right; a group that is not named here comes last.
_STAGES = (
    ("landing", "campaigns"),
    ("staging",),
    ("identity",),
    ("seeds", "profiles", "lifecycle"),
    ("features", "models"),
    ("segments",),
    ("audience", "delivery"),
    ("measurement", "quality", "reports"),
)
_COLOURS = ("#9a3f3a", "#8a5a2b", "#5a6b1f", "#2f7d5b", "#3f6f7a", "#3b6ea8", "#6b5aa8", "#7a3f66")


def picture(definitions: dg.Definitions) -> str:
    """The graph from left to right, a column for each stage of the way, with every dependency as a line."""
    graph = definitions.resolve_asset_graph()
    keys = sorted(key for key in graph.get_all_asset_keys() if not key.path[-1].startswith("base_"))
    groups = {key: str(graph.get(key).group_name) for key in keys}
    places: dict[dg.AssetKey, tuple[int, int]] = {}
    filled: dict[int, int] = {}
    for key in sorted(keys, key=lambda each: (*_stage(groups[each]), each)):
        column, _ = _stage(groups[key])
        places[key] = (10 + column * _COLUMN, 40 + filled.get(column, 0) * _ROW)
        filled[column] = filled.get(column, 0) + 1
    edges = [
        _edge(places[parent], places[key])
        for key in keys
        for parent in sorted(_visible_parents(graph, key))
        if parent in places
    ]
    boxes = [_box(places[key], key.path[-1], _COLOURS[_stage(groups[key])[0] % len(_COLOURS)]) for key in keys]
    legend = [
        f'<text x="{10 + column * _COLUMN}" y="24" fill="{colour}" font-weight="700">{escape(", ".join(stage))}</text>'
        for column, (stage, colour) in enumerate(zip(_STAGES, _COLOURS, strict=True))
    ]
    width, height = (max(filled) + 1) * _COLUMN + 10, 50 + max(filled.values()) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="10">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(edges + boxes + legend)}</svg>\n'
    )


def _stage(group: str) -> tuple[int, int]:
    for column, stage in enumerate(_STAGES):
        if group in stage:
            return column, stage.index(group)
    return len(_STAGES) - 1, len(_STAGES)


def _visible_parents(graph: Any, key: dg.AssetKey) -> set[dg.AssetKey]:
    """The parents of an asset, looking through the typed copies (`base_`) that are not drawn."""
    parents: set[dg.AssetKey] = set()
    for parent in graph.get(key).parent_keys:
        parents |= _visible_parents(graph, parent) if parent.path[-1].startswith("base_") else {parent}
    return parents


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1, x2, y2 = start[0] + _WIDTH, start[1] + _HEIGHT / 2, end[0], end[1] + _HEIGHT / 2
    return (
        f'<path d="M{x1} {y1}C{x1 + 25} {y1} {x2 - 25} {y2} {x2} {y2}" fill="none" stroke="#8a94a0" '
        'stroke-width=".5" opacity=".6"/>'
    )


def _box(place: tuple[int, int], name: str, colour: str) -> str:
    x, y = place
    shown = name if len(name) <= 26 else name[:25] + "…"
    return (
        f'<g><title>{escape(name)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="3" '
        f'fill="{colour}"/><text x="{x + 5}" y="{y + 11}" fill="#fff" font-size="9">{escape(shown)}</text></g>'
    )


if __name__ == "__main__":
    from orchestration.definitions import definitions as _definitions

    Path(sys.argv[1]).write_text(picture(_definitions), encoding="utf-8")
