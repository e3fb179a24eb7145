"""What a run came to: facts for programs, and a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestration.delivery.outbox import Outbox
from orchestration.landing.contract import ENTITIES
from orchestration.run import Outcome
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

_QUERIES = {
    "loads": """
        select count(*) filter (status = 'landed') as files, cast(sum(rows_received) as bigint) as rows_received
        from raw.loads
    """,
    "quarantined": "select count(*) as rows_count from quality.quarantine where is_open",
    "people": "select count(*) as people, count(*) filter (can_email) as can_email from core.profiles",
    "stages": """
        select lifecycle_stage as name, count(*) as people from core.profiles group by all order by people desc
    """,
    "segments": """
        select segment as name, count(*) as people from core.segment_memberships group by all order by segment
    """,
    "models": """
        select model, metric, split, value, baseline_value from ml.model_evaluations order by all
    """,
    "held_back": """
        select campaign, reason, count(*) as people from delivery.exclusions group by all order by all
    """,
}
_TABLES = {
    "loads": "raw.loads",
    "quarantined": "quality.quarantine",
    "people": "core.profiles",
    "stages": "core.profiles",
    "segments": "core.segment_memberships",
    "models": "ml.model_evaluations",
    "held_back": "delivery.exclusions",
}
# The figures that a person looks at first, in words.
_HEADLINES = {
    ("churn", "roc_auc", "test"): "Churn, ROC AUC on the held-out month",
    ("churn", "average_precision", "test"): "Churn, average precision",
    ("buy_again", "recall_at_10_all", "test"): "Buy again, Recall@10 (all)",
    ("discover", "recall_at_10_novel", "test"): "Discover, Recall@10 (novel)",
}


def collect(settings: Settings, outcome: Outcome) -> dict[str, Any]:
    """The facts of the home after the run."""
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    with warehouse.kept_open():
        facts: dict[str, Any] = {
            name: warehouse.rows(sql) if warehouse.exists(_TABLES[name]) else [] for name, sql in _QUERIES.items()
        }
    facts["as_of"] = outcome.as_of.isoformat()
    facts["known_at"] = outcome.known_at.isoformat() if outcome.known_at else None
    facts["steps"] = [
        {"step": step, "seconds": round(seconds, 3), "rows": outcome.step_rows.get(step, 0)}
        for step, seconds in outcome.step_seconds.items()
    ]
    facts["this_run"] = {
        "rows_landed": sum(rows for step, rows in outcome.step_rows.items() if _is_landing(step)),
        "messages_rendered": outcome.step_rows.get("outbox.planned_messages", 0),
        "messages_handed_over": outcome.step_rows.get("outbox.handed_over_messages", 0),
    }
    facts["outbox"] = [
        {"campaign": campaign, "state": state, "messages": count}
        for (campaign, state), count in sorted(Outbox(settings.outbox_url).counts().items())
    ]
    facts["problems"], facts["warnings"] = outcome.problems, outcome.warnings
    facts["open"] = {
        "messages": str(settings.outbox / "index.html"),
        "report": str(settings.reports / "index.html"),
        "warehouse": str(settings.warehouse),
    }
    return facts


def _is_landing(step: str) -> bool:
    return step in {f"raw.{entity.table}" for entity in ENTITIES}


def show(facts: Mapping[str, Any], console: Console) -> None:
    """Prints the facts as one table."""
    known = f", known at {facts['known_at']}" if facts["known_at"] else ""
    table = Table(title=f"Sincerely, as of {facts['as_of']}{known}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    this_run = facts["this_run"]
    landed = this_run["rows_landed"]
    table.add_row("Rows landed in this run", f"{landed:,}" if landed else "0, everything was landed before")
    for loads, quarantined in zip(facts["loads"], facts["quarantined"], strict=False):
        table.add_row("Rows landed in all", f"{loads['rows_received'] or 0:,} from {loads['files']} files")
        table.add_row("  of them in quarantine", f"{quarantined['rows_count']:,}")
    for people in facts["people"]:
        table.add_row("People", f"{people['people']:,}, {people['can_email']:,} may get mail")
    _add_counts(table, "Stages", facts["stages"])
    _add_counts(table, "Segments", facts["segments"])
    for row in facts["models"]:
        words = _HEADLINES.get((row["model"], row["metric"], row["split"]))
        if words and row["value"] is not None:
            baseline = row["baseline_value"]
            table.add_row(words, f"{row['value']:.4f}" + (f" (baseline {baseline:.4f})" if baseline else ""))
    handed = this_run["messages_handed_over"]
    table.add_section()
    table.add_row("Messages rendered in this run", f"{this_run['messages_rendered']:,}")
    table.add_row("Messages handed over in this run", f"{handed:,}" if handed else _why_none(facts))
    for row in facts["outbox"]:
        table.add_row(f"  {row['campaign']}, {row['state'].replace('_', ' ')}", f"{row['messages']:,}")
    if facts["held_back"]:
        table.add_section()
        table.add_row("Held back, and why", "")
    for row in facts["held_back"]:
        table.add_row(f"  {row['campaign']}: {row['reason'].replace('_', ' ')}", f"{row['people']:,}")
    console.print(table)
    for warning in facts["warnings"]:
        console.print(f"[yellow]note[/] {warning}", highlight=False)
    for problem in facts["problems"]:
        console.print(f"[red]problem[/] {problem}", highlight=False)
    console.print("Open:", *(f"  {path}" for path in facts["open"].values()), sep="\n", highlight=False)


def _why_none(facts: Mapping[str, Any]) -> str:
    if facts["known_at"]:
        return "0, a look at the past sends nothing"
    return "0, everyone has theirs already: nothing is sent twice" if facts["outbox"] else "0"


def _add_counts(table: Table, title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        table.add_section()
        table.add_row(title, "")
    for row in rows:
        table.add_row(f"  {row['name'].replace('_', ' ')}", f"{row['people']:,}")
