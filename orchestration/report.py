"""The static report: one page that opens from disk, offline."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from orchestration import audits
from orchestration.errors import SincerelyError, storage_error
from orchestration.experiments import picture as experiments
from orchestration.journeys.funnel import funnels
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

_PAGES = Path(__file__).parent / "pages"
_QUERIES = {
    "stages": "select lifecycle_stage as name, count(*) as value from core.profiles group by all order by all",
    "levels": "select engagement_level as name, count(*) as value from core.profiles group by all order by all",
    "segments": "select segment as name, count(*) as value from core.segment_memberships group by all order by all",
    "evaluations": """
        select
            model, metric, value, value_low, value_high, baseline_value, version,
            split = 'test' and model in ('buy_again', 'churn', 'discover', 'lifetime', 'send_time') as is_in_use, split
        from ml.model_evaluations
        order by model, split, metric
    """,
    "results": "select * from measurement.campaign_results order by recipients desc, campaign",
    "messages": """
        select
            campaign, regexp_replace(occurrence, ':[0-9]{8}T[0-9]+Z$', '') as occurrence, state, count(*) as messages
        from delivery.messages
        group by all
        order by all
    """,
    "exclusions": "select campaign, reason, count(*) as people from delivery.exclusions group by all order by all",
}
# Apart from the others: Python writes it, so a home that was only built by dbt has none.
_UNUSED = "select * from quality.unused_attributes order by source, entity, attribute"


def write(settings: Settings) -> Path:
    """Writes `reports/index.html` of the home from what is built, and returns its path."""
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    needed = ("delivery.messages", "quality.audits")
    if not settings.warehouse.exists() or not all(warehouse.exists(table) for table in needed):
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    with warehouse.kept_open():
        facts: dict[str, Any] = {name: warehouse.rows(sql) for name, sql in _QUERIES.items()}
        facts["unused_attributes"] = warehouse.rows(_UNUSED) if warehouse.exists("quality.unused_attributes") else []
        facts["audits"] = audits.collect(warehouse)
        facts["journeys"] = funnels(warehouse)
        facts["experiments"] = experiments.shown(warehouse)
    page = Environment(loader=FileSystemLoader(_PAGES), autoescape=True).get_template("report.html.j2")
    path = settings.reports / "index.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        facts["has_preview"] = (settings.home / "preview" / "index.html").exists()
        html = page.render(**facts, plots=_plots(settings.models), demo=_demo(settings), as_of=settings.as_of)
        unfinished = path.with_name(".index.html.unfinished")
        unfinished.write_text(html, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise storage_error(error, settings.reports) from error
    return path


def _demo(settings: Settings) -> dict[str, Any] | None:
    """What the demo's manifest says of its data's origin, where the home holds the demo."""
    path = settings.landing / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _plots(models: Path) -> list[str]:
    return [base64.b64encode(path.read_bytes()).decode("ascii") for path in sorted(models.glob("*/*.png"))]


def queries() -> tuple[str, ...]:
    """What the report reads of the warehouse."""
    return tuple(_QUERIES.values())
