"""Messages: planned into the outbox, handed to the ESP, and landed again."""

from dataclasses import asdict

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.delivery import linting, pacing, planner
from orchestration.delivery.controls import Controls
from orchestration.delivery.esp.choice import AUDIENCE_ESPS, fills_templates
from orchestration.delivery.handing_over import hand_over
from orchestration.delivery.holding import holding
from orchestration.delivery.present import why_not_to_plan, why_not_to_send
from orchestration.gate.evaluating import held_by_table
from orchestration.landing import files
from orchestration.settings import CAMPAIGNS
from rendering.campaign import load_campaigns
from rendering.links import Site

_ALL_ANSWERED = "every_message_is_answered"


@dg.asset(
    key=["outbox", "planned_messages"],
    group_name="delivery",
    kinds={"jinja", "sqlalchemy"},
    deps=[
        ["core", "message_candidates"],
        ["delivery", "gate"],
        ["core", "profiles"],
        ["core", "event_invitations"],
        ["core", "products"],
        ["ml", "recommendations"],
        ["ml", "send_times"],
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_message_rendered",
            asset=dg.AssetKey(["outbox", "planned_messages"]),
            description="No campaign is held by lint, and no message lacked a value that its template needs.",
        ),
        dg.AssetCheckSpec(
            "speaks_of_the_present",
            asset=dg.AssetKey(["outbox", "planned_messages"]),
            description="The run looks at no past instant; one that does plans and sends nothing.",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def planned_messages(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """Each candidate's message, rendered for them alone and written into the outbox once, ever."""
    settings = home.settings()
    site = Site(settings.base_url, settings.secret.encode())
    looks_back = why_not_to_plan(home.warehouse(), home.outbox(), home.instant(context))
    campaigns = [] if looks_back or settings.esp in AUDIENCE_ESPS else load_campaigns(CAMPAIGNS)
    held = {campaign.name: reasons for campaign in campaigns if (reasons := linting.errors(campaign, settings.esp))}
    gated = held_by_table(home.warehouse())
    waiting = {*held, *holding(Controls(settings.outbox_url), gated, campaigns, home.instant(context))()}
    with home.warehouse().kept_open():
        plans = [
            planner.plan(
                home.warehouse(),
                home.outbox(),
                campaign,
                site,
                home.instant(context),
                fills_templates=fills_templates(settings.esp),
            )
            for campaign in campaigns
            if campaign.name not in waiting
        ]
    put_off = 0 if looks_back else pacing.note_deferred(home.warehouse(), home.instant(context), waiting)
    failed = {
        f"{plan.campaign}: {reason}": f"{plan.campaign}: {count} messages are not rendered, {reason.rstrip('.')}."
        for plan in plans
        for reason, count in plan.failed.items()
    }
    failed |= {f"{name} {number}": text for name, texts in held.items() for number, text in enumerate(texts, 1)}
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(plan.planned for plan in plans),
            "already_planned": sum(plan.already_known for plan in plans),
            "held_out": sum(plan.held_out for plan in plans),
            "put_off": put_off,
            **{f"planned: {plan.campaign}": plan.planned for plan in plans},
        },
        check_results=[
            dg.AssetCheckResult(check_name="every_message_rendered", passed=not failed, metadata=dict(failed)),
            dg.AssetCheckResult(
                check_name="speaks_of_the_present",
                passed=looks_back is None,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"note": looks_back} if looks_back else {},
            ),
        ],
    )


@dg.asset(
    key=["outbox", "handed_over_messages"],
    group_name="delivery",
    kinds={"email"},
    deps=[planned_messages, ["core", "revoked_messages"], ["delivery", "complaint_rates"]],
    check_specs=[
        dg.AssetCheckSpec(
            _ALL_ANSWERED,
            asset=dg.AssetKey(["outbox", "handed_over_messages"]),
            description="Of every message that was due it is known whether the ESP took it.",
        )
    ],
)
def handed_over_messages(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """Planned messages given to the ESP, and its answer recorded."""
    settings, outbox, instant = home.settings(), home.outbox(), home.instant(context)
    if settings.known_at or why_not_to_send(outbox, instant):
        return dg.MaterializeResult(
            metadata={"dagster/row_count": 0, "esp": settings.esp}, check_results=[_all_answered([])]
        )
    controls = Controls(settings.outbox_url)
    held = holding(controls, held_by_table(home.warehouse()), load_campaigns(CAMPAIGNS), instant)
    cancelled = controls.withdraw_cancelled()
    handed_over = hand_over(settings, home.warehouse(), outbox, instant, held=held)
    sent = handed_over.sent
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sent.accepted,
            "rejected": sent.rejected,
            "withdrawn": sent.withdrawn + cancelled,
            "taken_back_from_a_killed_run": sent.taken_back,
            "unknown": sent.unknown,
            "unknown_settled_by_events": handed_over.settled.by_events,
            **(asdict(handed_over.synced) if handed_over.synced else {}),
            "esp": settings.esp,
        },
        check_results=[_all_answered(handed_over.problems)],
    )


def _all_answered(problems: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_ALL_ANSWERED,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={f"problem {number}": text for number, text in enumerate(problems, 1)},
    )


@dg.asset(
    key=["raw", "outbox_handovers"],
    group_name="delivery",
    kinds={"sqlalchemy"},
    deps=[handed_over_messages],
    pool=WAREHOUSE_POOL,
)
def outbox_handovers(home: Home) -> dg.MaterializeResult:
    """The outbox after the handing over, landed like any source: one row per change of a message."""
    added = files.land_outbox(home.warehouse(), home.outbox(), "raw.outbox_handovers")
    return dg.MaterializeResult(metadata={"dagster/row_count": added})
