"""Experiments as the report shows them: intervals on one scale, and a word on whether to believe them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from jinja2 import Environment, FileSystemLoader

from ml.experiments import RESULTS
from orchestration import report
from orchestration.experiments import picture
from orchestration.warehouse import Warehouse


def result(**changes: Any) -> dict[str, Any]:
    return {
        "campaign": "hello", "variant": "warm", "control": "plain", "metric": "click_rate", "people_count": 1200,
        "control_people_count": 1190, "value": 0.12, "control_value": 0.1, "difference": 0.02, "lift": 0.2,
        "lift_low": 0.05, "lift_high": 0.4, "p_value": 0.01, "sample_ratio_p_value": 0.8,
        "is_sample_ratio_ok": True, "is_final": True, **changes,
    }  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def page(warehouse: Warehouse, *rows: dict[str, Any]) -> str:
    warehouse.replace("measurement.experiment_results", pa.Table.from_pylist(list(rows), RESULTS))
    template = Environment(loader=FileSystemLoader(report._PAGES), autoescape=True).get_template("experiments.html.j2")
    return template.render(experiments=picture.shown(warehouse), demo=None)


def cells(html: str) -> list[list[str]]:
    """The words of each row's cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)[1:]
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in rows
    ]


def test_the_widest_interval_fills_the_picture_and_no_lift_is_in_its_middle(warehouse: Warehouse) -> None:
    warehouse.replace(
        "measurement.experiment_results",
        pa.Table.from_pylist([result(), result(variant="cold", lift=0.0, lift_low=-0.1, lift_high=0.1)], RESULTS),
    )
    cold, warm = picture.shown(warehouse)
    assert (cold["low"], cold["at"], cold["high"]) == (0.375, 0.5, 0.625)
    assert (warm["low"], warm["at"], warm["high"]) == (0.5625, 0.75, 1.0)


def test_a_lift_out_of_all_measure_does_not_squeeze_the_others(warehouse: Warehouse) -> None:
    rows = [result(), result(variant="wild", lift=3.0, lift_low=-0.5, lift_high=12.0)]
    warehouse.replace("measurement.experiment_results", pa.Table.from_pylist(rows, RESULTS))
    warm, wild = picture.shown(warehouse)
    assert (wild["low"], wild["at"], wild["high"]) == (0.25, 1.0, 1.0)
    assert warm["high"] == 0.7


def test_the_page_says_figures_intervals_and_whether_to_believe_them(warehouse: Warehouse) -> None:
    html = page(
        warehouse,
        result(),
        result(variant="all", control="holdout", metric="revenue_per_recipient", value=1.234, is_final=False),
        result(campaign="skewed", is_sample_ratio_ok=False),
        result(campaign="tiny", lift=None, lift_low=None, lift_high=None, p_value=None),
    )
    warm, everyone, skewed, tiny = cells(html)
    assert warm[1:] == [
        "warm against plain", "click rate", "1,200 : 1,190", "12.0 %", "10.0 %", "+20.0 % +5.0 % to +40.0 %", "",
        "0.010", "yes",
    ]  # fmt: skip
    assert everyone[4] == "1.23" and everyone[-1].startswith("not yet")
    assert skewed[-1].startswith("no: ")
    assert tiny[6:9] == ["–", "too little to say", "–"]


def test_before_anything_is_measured_the_page_says_so(warehouse: Warehouse) -> None:
    assert picture.shown(warehouse) == []
    assert "none yet" in page(warehouse)
