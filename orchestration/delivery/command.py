"""What `sincerely send` and `why` do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.delivery import linting, planner
from orchestration.delivery.controls import Controls
from orchestration.delivery.handing_over import hand_over
from orchestration.delivery.holding import holding
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.pacing import note_deferred
from orchestration.delivery.present import why_not_to_plan
from orchestration.delivery.sender import Sent
from orchestration.errors import DeliveryError, SincerelyError
from orchestration.gate.evaluating import evaluate, held
from orchestration.landing import files
from orchestration.locks import exclusive
from orchestration.settings import CAMPAIGNS, Settings
from orchestration.warehouse import Warehouse
from rendering.campaign import OF_JOURNEYS, Campaign, load_campaigns
from rendering.links import Site

_WHY_SQL = Path(__file__).with_name("why.sql")


def send(settings: Settings, campaign: str | None, dry_run: bool) -> list[dict[str, Any]]:
    """Sends one campaign, or with `dry_run` only says what would leave; one row a campaign."""
    as_of = settings.as_of or datetime.now(UTC)
    warehouse, outbox = _built(settings), Outbox(settings.outbox_url)
    chosen = _chosen(campaign)
    if dry_run:
        return [_would_leave(warehouse, outbox, each, as_of) for each in chosen]
    check_present(settings)
    with exclusive(settings.home / "run.lock", wait_seconds=0):
        rows = []
        site = Site(settings.base_url, settings.secret.encode())
        controls = Controls(settings.outbox_url)
        for each in chosen:
            if errors := linting.errors(each):
                raise DeliveryError(errors[0])
            holds = evaluate(warehouse, controls, load_campaigns(CAMPAIGNS), as_of)
            if reasons := [hold.sentence for hold in holds if hold.is_held and hold.campaign == each.name]:
                raise DeliveryError(reasons[0])
            asked = holding(controls, held(holds), chosen, as_of)
            if each.name in asked():
                raise DeliveryError(f"{each.name} is paused or cancelled; see `sincerely status`.")
            plan = planner.plan(warehouse, outbox, each, site, as_of)
            note_deferred(warehouse, as_of)
            controls.withdraw_cancelled()
            sent = hand_over(settings, warehouse, outbox, as_of, each.name, held=asked).sent
            row = {"campaign": each.name, "planned": plan.planned, "handed_over": sent.accepted}
            rows.append(row | {name: count for name, count in _not_taken(sent).items() if count})
        files.land_outbox(warehouse, outbox, "raw.outbox_handovers")
        return rows


def _not_taken(sent: Sent) -> dict[str, int]:
    return {"rejected": sent.rejected, "unknown": sent.unknown, "left_for_the_next_run": sent.left}


def check_present(settings: Settings) -> None:
    """Raises DeliveryError when what is built looks at the past."""
    as_of = settings.as_of or datetime.now(UTC)
    if reason := why_not_to_plan(_built(settings), Outbox(settings.outbox_url), as_of):
        raise DeliveryError(reason)


def why(settings: Settings, email: str, campaign: str | None) -> list[dict[str, Any]]:
    """For each campaign, whether the person behind the address got its message, and why."""
    warehouse = _built(settings)
    known = [each.name for each in load_campaigns(CAMPAIGNS)]
    if campaign and campaign not in known:
        raise SincerelyError(f"There is no campaign {campaign}; there are {', '.join(known)}.")
    rows = warehouse.rows(_WHY_SQL.read_text(encoding="utf-8"), [email, campaign, campaign])
    if not rows:
        raise SincerelyError("Nobody is known under this address; check its spelling, or land a file with it.")
    return [_answer(row) for row in rows]


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    if row["state"] == "accepted":
        cause = f"came to step {row['step']} of the journey {row['journey']}" if row["journey"] else None
        cause = cause or f"are in {row['segment'] or 'the audience'}"
        answer = f"sent on {row['accepted_at']:%Y-%m-%d}, because they {cause}"
    elif row["reason"]:
        detail = f" ({row['detail']})" if row["detail"] else ""
        answer = f"not sent: {row['reason'].replace('_', ' ')}{detail}"
    elif row["state"]:
        answer = f"{row['state'].replace('_', ' ')}" + (f": {row['error']}" if row["error"] else "")
    else:
        is_of_journeys = row["occurrence"] == OF_JOURNEYS
        answer = f"not sent: {'at no step of a journey that sends it' if is_of_journeys else 'not in the audience'}"
    details = [f"{each['slot']}: {each['choice']}, by {each['rule']}" for each in row["decisions"] or []]
    return {
        "campaign": row["campaign"],
        "occurrence": row["occurrence"],
        "message_id": row["message_id"],
        "variant": row["variant"],
        "answer": answer,
        "details": details,
    }


def _would_leave(warehouse: Warehouse, outbox: Outbox, campaign: Campaign, as_of: datetime) -> dict[str, Any]:
    occurrence = planner.occurrence_of(campaign, as_of)
    rows = warehouse.rows(
        "select message_id, exclusion_reason is not null as is_excluded from core.message_candidates "
        "where campaign = ? and (occurrence = ? or journey is not null)",
        [campaign.name, occurrence],
    )
    known = outbox.known([str(row["message_id"]) for row in rows])
    return {
        "campaign": campaign.name,
        "occurrence": occurrence,
        "audience": len(rows),
        "would_be_sent": sum(not row["is_excluded"] and row["message_id"] not in known for row in rows),
        "left_out": sum(bool(row["is_excluded"]) for row in rows),
        "already_sent": sum(row["message_id"] in known and not row["is_excluded"] for row in rows),
    }


def _chosen(campaign: str | None) -> list[Campaign]:
    campaigns = load_campaigns(CAMPAIGNS)
    chosen = [each for each in campaigns if campaign in (None, each.name)]
    if not chosen:
        names = ", ".join(each.name for each in campaigns)
        raise DeliveryError(f"There is no campaign {campaign}; use one of {names}.")
    return chosen


def _built(settings: Settings) -> Warehouse:
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    if not settings.warehouse.exists() or not warehouse.exists("delivery.exclusions"):
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    return warehouse
