"""`sincerely campaign rules | plan`: what a campaign's rules and experiment come to, before it is sent."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands import JSON, Command, warehouse_of
from orchestration.settings import CAMPAIGNS, load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from orchestration.delivery.rule_counts import RuleCount
    from orchestration.experiments.planning import Forecast, Plan
    from orchestration.settings import Settings
    from orchestration.warehouse import Warehouse
    from rendering.campaign import Campaign


def add_to(main: click.Group, command: Command) -> None:
    """Puts the group `campaign` under the command line; `command` is how that makes its commands."""
    main.add_command(_campaign)
    command("rules", "sincerely campaign rules loyalty_reward", _campaign)(_rules)
    command(
        "plan",
        "sincerely campaign plan loyalty_reward\nsincerely campaign plan loyalty_reward --lift 0.2 --power 0.9",
        _campaign,
    )(_plan)


@click.group("campaign")
def _campaign() -> None:
    """See what a campaign would do, before it does."""


@click.argument("name")
@JSON
def _rules(name: str, as_json: bool) -> None:
    """Count, for each rule of each slot, the people whom it matches and those who get its block."""
    from orchestration.delivery.rule_counts import as_rows, counted
    from orchestration.errors import SincerelyError

    settings = load_settings()
    warehouse, campaign = warehouse_of(settings), _named(name)
    if not settings.warehouse.exists() or not warehouse.exists("core.message_candidates"):
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    counts = counted(warehouse, campaign, _instant(settings, warehouse))
    if as_json:
        return click.echo(json.dumps(as_rows(counts)))
    if not counts:
        return click.echo(f"{name} has no slots, so no rules.")
    click.echo(f"{name} ({counts[0].occurrence}): {counts[0].audience_count:,} people in the audience.")
    _print(_rules_table(counts))


@click.argument("name")
@click.option("--lift", default=0.1, show_default=True, help="The lift to be found, as a part of the rate.")
@click.option("--power", default=0.8, show_default=True, help="How sure to be to find it, where it is there.")
@click.option("--alpha", default=0.05, show_default=True, help="How often to see one where there is none.")
@JSON
def _plan(name: str, lift: float, power: float, alpha: float, as_json: bool) -> None:
    """Say which lift the audience will show at the least, and how many people and days a given one needs.

    The base rates are the campaign's own, or every campaign's where it has hardly sent any. Two-sided two-proportion
    z-test with unequal arms (Fleiss, Levin and Paik 2003, section 4.4); money by its spread.
    """
    from orchestration.errors import SincerelyError
    from orchestration.experiments.planning import Wanted, planned

    settings = load_settings()
    wanted = Wanted(lift, power, alpha)
    warehouse, campaign = warehouse_of(settings), _named(name)
    if not settings.warehouse.exists():
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    plan = planned(warehouse, campaign, _instant(settings, warehouse), wanted)
    if as_json:
        return click.echo(json.dumps(asdict(plan)))
    click.echo(
        f"{name}: {plan.people:,} people would be written to or held out today, {plan.people_per_day:.1f} more come "
        f"each day. With {power:.0%} power at {alpha:.0%}, two-sided:"
    )
    _print(_plan_table(plan))


def _instant(settings: Settings, warehouse: Warehouse) -> datetime:
    """The instant that the built tables speak of, so that their occurrence is the one that is shown."""
    from orchestration import refreshes

    built = refreshes.last(warehouse)
    return built.as_of if built else settings.as_of or datetime.now(UTC)


def _named(name: str) -> Campaign:
    from orchestration.errors import SincerelyError
    from rendering.campaign import load_campaigns
    from rendering.located import did_you_mean

    campaigns = {campaign.name: campaign for campaign in load_campaigns(CAMPAIGNS)}
    if name not in campaigns:
        known = ", ".join(campaigns)
        raise SincerelyError(f"There is no campaign {name}; there are {known}.{did_you_mean(name, tuple(campaigns))}")
    return campaigns[name]


def _rules_table(counts: list[RuleCount]) -> Table:
    from rich.table import Table

    table = Table()
    for column in ("slot", "rule", "when"):
        table.add_column(column, no_wrap=column != "when", overflow="fold")
    for column in ("match", "get it", "written to"):
        table.add_column(column, justify="right")
    slot = ""
    for each in counts:
        if slot and each.slot != slot:
            table.add_section()
        figures = (f"{figure:,}" for figure in (each.matches_count, each.wins_count, each.recipients_count))
        table.add_row("" if each.slot == slot else each.slot, each.rule, each.condition or "anyone else", *figures)
        slot = each.slot
    return table


def _plan_table(plan: Plan) -> Table:
    from rich.table import Table

    table = Table("compared", "metric")
    for column in ("base rate", "people", "least lift shown", f"people for {plan.wanted.lift:+.0%}", "days"):
        table.add_column(column, justify="right")
    table.add_column("history")
    pair = ""
    for each in plan.forecasts:
        compared = f"{each.variant} against {each.control}"
        if pair and compared != pair:
            table.add_section()
        table.add_row("" if compared == pair else compared, each.metric.replace("_", " "), *_forecast(each))
        pair = compared
    return table


def _forecast(each: Forecast) -> tuple[str, ...]:
    is_money = each.metric == "revenue_per_recipient"
    return (
        f"{each.base_rate:.2f}" if is_money else f"{each.base_rate:.2%}",
        f"{each.people:,}",
        "none" if each.least_lift is None else f"{each.least_lift:+.1%}",
        "no number" if each.people_needed is None else f"{each.people_needed:,}",
        "never" if each.days_needed is None else f"{each.days_needed:,}",
        f"{each.history}, {each.messages:,} messages",
    )


def _print(table: Any) -> None:
    from rich.console import Console

    Console(file=sys.stdout, soft_wrap=True).print(table)
