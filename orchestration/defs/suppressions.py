"""Suppression lists, kept alike here and at SendGrid."""

import dagster as dg

from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.delivery.present import why_not_to_send
from orchestration.delivery.suppression_lists.sendgrid import SuppressionLists
from orchestration.delivery.suppression_lists.syncing import Synced, sync
from orchestration.errors import SincerelyError

_CHECK = "lists_are_alike"
RECEIVED = ["sendgrid", "suppressions"]
_ADDED = ["sendgrid", "global_suppressions"]


@dg.asset(
    key=RECEIVED,
    group_name="landing",
    kinds={"api"},
    deps=[["raw", "tables"]],
    check_specs=[dg.AssetCheckSpec(_CHECK, asset=RECEIVED, description="Every list was read to its end.")],
    pool=WAREHOUSE_POOL,
)
def received_suppressions(home: Home) -> dg.MaterializeResult:
    """What is new on SendGrid's suppression lists, as a file to land; nothing where mail leaves by another way."""
    return _synced(home, is_received=True)


@dg.asset(
    key=_ADDED,
    group_name="delivery",
    kinds={"api"},
    deps=[["core", "suppressed_emails"]],
    check_specs=[dg.AssetCheckSpec(_CHECK, asset=_ADDED, description="SendGrid took all whom we do not write to.")],
    pool=WAREHOUSE_POOL,
)
def added_suppressions(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
    """Addresses that we do not write to and SendGrid would, added to its list."""
    # A look at the past knows of no suppression that the present does not, and has no business there.
    if home.settings().known_at or why_not_to_send(home.outbox(), home.instant(context)):
        return _result(Synced(), "")
    return _synced(home, is_received=False)


def _synced(home: Home, *, is_received: bool) -> dg.MaterializeResult:
    settings = home.settings()
    if settings.esp != "sendgrid":
        return _result(Synced(), "")
    # A check that fails, not a step: the files of the other sources still land, and what was planned still leaves.
    try:
        lists = SuppressionLists(settings.sendgrid_api_key, settings.sendgrid_url)
        try:
            synced = sync(settings, lists, is_received=is_received, is_added=not is_received)
        finally:
            lists.close()
    except SincerelyError as error:
        return _result(Synced(), str(error))
    refused = f"SendGrid refused {synced.refused:,} of the addresses that we do not write to." if synced.refused else ""
    return _result(synced, refused)


def _result(synced: Synced, problem: str) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"dagster/row_count": synced.received + synced.added, "on_their_lists": synced.theirs},
        check_results=[
            dg.AssetCheckResult(check_name=_CHECK, passed=not problem, metadata={"note": problem} if problem else {})
        ],
    )
