"""What `sincerely send` and `why` do."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from orchestration.delivery import audience, dry_run, explaining, linting, planner
from orchestration.delivery.controls import Controls
from orchestration.delivery.esp.choice import AUDIENCE_ESPS, fills_templates
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
from rendering.campaign import Campaign, load_campaigns
from rendering.links import Site


def send(settings: Settings, campaign: str | None, is_dry_run: bool) -> list[dict[str, Any]]:
    """Sends one campaign, or with `is_dry_run` only says what would leave; one row a campaign."""
    as_of = settings.as_of or datetime.now(UTC)
    warehouse, outbox = _built(settings), Outbox(settings.outbox_url)
    chosen = _chosen(campaign)
    if is_dry_run:
        return dry_run.would_leave(settings, warehouse, outbox, chosen, as_of)
    check_present(settings)
    if settings.esp in AUDIENCE_ESPS:
        with exclusive(settings.home / "run.lock", wait_seconds=0):
            return [{"audience": settings.esp, **asdict(audience.sync(settings, warehouse, as_of))}]
    with exclusive(settings.home / "run.lock", wait_seconds=0):
        rows = []
        site = Site(settings.base_url, settings.secret.encode())
        controls = Controls(settings.outbox_url)
        for each in chosen:
            if errors := linting.errors(each, settings.esp):
                raise DeliveryError(errors[0])
            holds = evaluate(warehouse, controls, load_campaigns(CAMPAIGNS), as_of)
            if reasons := [hold.sentence for hold in holds if hold.is_held and hold.campaign == each.name]:
                raise DeliveryError(reasons[0])
            asked = holding(controls, held(holds), chosen, as_of)
            if each.name in asked():
                raise DeliveryError(f"{each.name} is paused or cancelled; see `sincerely status`.")
            plan = planner.plan(warehouse, outbox, each, site, as_of, fills_templates=fills_templates(settings.esp))
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
    return explaining.why(_built(settings), email, campaign)


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
