"""`sincerely why`: for one person and each campaign, whether they got it, will get it or not, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestration.errors import SincerelyError
from orchestration.gate.checks import models_used
from orchestration.settings import CAMPAIGNS
from orchestration.warehouse import Warehouse
from rendering.campaign import OF_JOURNEYS, load_campaigns

WHY_SQL = Path(__file__).with_name("why.sql")
_CAPPED = "{} took its place"
_WORDS = {
    "capped": _CAPPED,
    "warm_up": "the allowance of {} for this day is used up",
    "paused": "it is paused",
}


def why(warehouse: Warehouse, email: str, campaign: str | None) -> list[dict[str, Any]]:
    """For each campaign, whether the person behind the address got its message, and why."""
    campaigns = {each.name: each for each in load_campaigns(CAMPAIGNS)}
    if campaign and campaign not in campaigns:
        raise SincerelyError(f"There is no campaign {campaign}; there are {', '.join(campaigns)}.")
    rows = warehouse.rows(WHY_SQL.read_text(encoding="utf-8"), [email, campaign, campaign])
    if not rows:
        raise SincerelyError("Nobody is known under this address; check its spelling, or land a file with it.")
    of_churn = {name for name, each in campaigns.items() if "churn" in models_used(each)}
    return [_answered(row, row["campaign"] in of_churn) for row in rows]


def _answered(row: dict[str, Any], uses_churn: bool) -> dict[str, Any]:
    details = [f"{each['slot']}: {each['choice']}, by {each['rule']}" for each in row["decisions"] or []]
    if row["variant"] and row["variant"] != "default":
        details.insert(0, f"variant: {row['variant']}")
    if uses_churn and row["churn_version"]:
        details.append(f"churn model: {row['churn_version']}")
    return {
        "campaign": row["campaign"],
        "occurrence": row["occurrence"],
        "message_id": row["message_id"],
        "variant": row["variant"],
        "segment": row["segment"],
        "reason": row["reason"],
        "detail": row["detail"],
        "is_deferred": bool(row["is_deferred"]),
        "not_before": row["not_before"],
        "expires_at": row["expires_at"],
        "answer": _answer(row),
        "details": details,
    }


def _answer(row: dict[str, Any]) -> str:
    if row["state"] == "accepted":
        return f"sent on {row['accepted_at']:%Y-%m-%d}, because they {_cause(row)}"
    if row["state"] == "held_out":
        return f"not sent: {(row['reason'] or 'holdout').replace('_', ' ')}"
    if row["state"] == "planned":
        hour = f", and leaves at {row['not_before']:%Y-%m-%d %H:%M} UTC or later" if row["not_before"] else ""
        return f"planned, because they {_cause(row)}{hour}{_held(row)}"
    if row["state"] and not (row["state"] == "rejected" and row["reason"]):
        return row["state"].replace("_", " ") + (f": {row['error']}" if row["error"] else "")
    if row["is_deferred"]:
        words = _WORDS[row["reason"]].format(row["detail"])
        until = f" It expires on {row['expires_at']:%Y-%m-%d %H:%M} UTC." if row["expires_at"] else ""
        return f"waits: {words}.{until}"
    if row["reason"]:
        detail = f" ({row['detail']})" if row["detail"] else ""
        return f"not sent: {row['reason'].replace('_', ' ')}{detail}"
    if row["message_id"]:
        return f"to be planned by the next run, because they {_cause(row)}{_held(row)}"
    is_of_journeys = row["occurrence"] == OF_JOURNEYS
    return f"not sent: {'at no step of a journey that sends it' if is_of_journeys else 'not in the audience'}"


def _cause(row: dict[str, Any]) -> str:
    if row["journey"]:
        return f"came to step {row['step']} of the journey {row['journey']}"
    return f"are in {row['segment'] or 'the audience'}"


def _held(row: dict[str, Any]) -> str:
    return f"; the gate holds it: {row['held_because']}" if row["held_because"] else ""
