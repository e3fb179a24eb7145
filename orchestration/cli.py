"""The command line: `sincerely …`. Commands that do not need Dagster do not import it."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from orchestration.commands import JSON, warehouse_of
from orchestration.delivery import campaign_command as campaigns
from orchestration.delivery import controls_command as controls
from orchestration.delivery import lint_command as linting
from orchestration.delivery import unknown_command as unknown_messages
from orchestration.delivery.suppression_lists import command as suppressions
from orchestration.errors import SincerelyError, plain_message
from orchestration.garbage import collect_rarely
from orchestration.journeys import command as journeys
from orchestration.landing import quarantine_command as quarantine
from orchestration.models import backtest_command
from orchestration.models import command as models
from orchestration.parts import PARTS, TRIGGERS_TAG
from orchestration.previewing import command as previewing
from orchestration.segments import command as segment_commands
from orchestration.settings import Settings, load_settings
from orchestration.webhooks import command as webhooks

# The real stream: while the job runs, what libraries print goes to a log.
_CONSOLE = Console(file=sys.__stdout__, soft_wrap=True)


class _Command(click.Command):
    """A command that keeps the line breaks of its examples."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        if self.epilog:
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            for line in self.epilog.splitlines():
                formatter.write(f"  {line}\n")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog="Start with: sincerely demo")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """Sincerely: from the customer data that you have to one personal message for each person who agreed."""
    context.obj = debug
    collect_rarely()


def _command(name: str, examples: str, group: click.Group = main) -> Callable[[Callable[..., Any]], click.Command]:
    def decorate(function: Callable[..., Any]) -> click.Command:
        # Click keeps a command's options on the function; wraps() carries them over.
        @functools.wraps(function)
        def guarded(**arguments: Any) -> None:
            debug = bool(click.get_current_context().find_root().obj)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            try:
                function(**arguments)
            except click.ClickException:
                raise
            except Exception as error:
                if debug:
                    traceback.print_exc()
                click.echo(f"sincerely {name}: {plain_message(error)}", err=True)
                if not isinstance(error, SincerelyError) and not debug:
                    click.echo("Run `sincerely --debug …` to see where.", err=True)
                sys.exit(1)

        return group.command(name, cls=_Command, epilog=examples)(guarded)

    return decorate


_AS_OF = click.option(
    "--as-of", metavar="TIME", help="The instant to speak of, ISO 8601; default the home's, else now."
)
_KNOWN_AT = click.option(
    "--known-at", metavar="TIME", help="Only from rows that had landed by then, ISO 8601; nothing is sent then."
)


@_command("demo", "sincerely demo\nSINCERELY_HOME=/tmp/try sincerely demo --households 500")
@click.option(
    "--households", type=click.IntRange(1, 2_500), help="Only so many of the 2,469, for a first look in less time."
)
@JSON
def demo(households: int | None, as_json: bool) -> None:
    """Put a year of real grocery purchases into the landing zone, with what they lack synthesised."""
    from orchestration.landing import complete_journey

    settings = load_settings()
    written = complete_journey.write(settings.home, households)
    facts = {
        "home": str(settings.home),
        "as_of": complete_journey.AS_OF,
        "files": [str(path) for path in written],
    }
    if as_json:
        return click.echo(json.dumps(facts))
    if not written:
        return click.echo(f"The demo is in {settings.landing} already.")
    for file in complete_journey.FILES:
        click.echo(f"{file.origin:<12} {file.path}: {file.note}")
    click.echo(f"Left out: {complete_journey.LEFT_OUT}")
    click.echo(f"{len(written)} files are in {settings.landing}; manifest.json there says what is synthesised.")


def _run_part(
    part: str | None,
    as_of: str | None,
    as_json: bool,
    known_at: str | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    from orchestration import run as runner
    from orchestration import summary

    debug = bool(click.get_current_context().find_root().obj)
    settings = load_settings(as_of=as_of, known_at=known_at)
    console = Console(file=sys.__stderr__) if as_json else _CONSOLE
    outcome = runner.run(settings, console, PARTS[part] if part else None, debug, tags=tags)
    facts = summary.collect(settings, outcome)
    if as_json:
        click.echo(json.dumps(facts, default=str))
    else:
        summary.show(facts, console)
    sys.exit(1 if outcome.problems else 0)


@_command(
    "run",
    "sincerely run\nsincerely run --as-of 2017-10-01T00:00:00Z\n"
    "sincerely run --as-of 2017-10-01T00:00:00Z --known-at 2017-10-01T00:00:00Z",
)
@_AS_OF
@_KNOWN_AT
@click.option("--full-refresh", is_flag=True, help="Forget everything derived and build it from the landed rows.")
@JSON
def run(as_of: str | None, known_at: str | None, full_refresh: bool, as_json: bool) -> None:
    """Do the main job: land, build, train, render, hand over, report.

    As of a past instant, the tables say how it was then by all that has landed since; with --known-at, by what had
    landed by that time. Nothing is sent with --known-at, nor as of an instant before messages were planned last.
    """
    if full_refresh:
        warehouse_of(load_settings()).forget_derived()
    _run_part(None, as_of, as_json, known_at)


def _part_command(name: str, doc: str) -> None:
    @_command(name, f"sincerely {name}\nsincerely {name} --as-of 2018-01-01T00:00:00Z")
    @_AS_OF
    @JSON
    def part(as_of: str | None, as_json: bool) -> None:
        _run_part(name, as_of, as_json)

    part.help = doc


_part_command("land", "Land every new file of the landing zone.")


@_command("refresh", "sincerely refresh\nsincerely refresh --only-news")
@_AS_OF
@click.option("--only-news", is_flag=True, help="Leave what only time has changed to the next refresh, as triggers do.")
@JSON
def refresh(as_of: str | None, only_news: bool, as_json: bool) -> None:
    """Do what people need within the hour: land, bring them up to date, send.

    No training, no measuring, no audits, no report: `sincerely run` does those, once a night or so.
    """
    _run_part("refresh", as_of, as_json, tags={TRIGGERS_TAG: "command line"} if only_news else None)


_part_command("train", "Train the models and score everybody.")


@_command("build", "sincerely build\nsincerely build --as-of 2018-01-01T00:00:00Z --known-at 2018-02-01T00:00:00Z")
@_AS_OF
@_KNOWN_AT
@JSON
def build(as_of: str | None, known_at: str | None, as_json: bool) -> None:
    """Build and test the dbt models."""
    _run_part("build", as_of, as_json, known_at)


@_command("send", "sincerely send --dry-run\nsincerely send --campaign win_back")
@click.option("--campaign", help="Only this campaign.")
@click.option("--dry-run", is_flag=True, help="Show what would leave, and send nothing.")
@_AS_OF
@JSON
def send(campaign: str | None, dry_run: bool, as_of: str | None, as_json: bool) -> None:
    """Render the candidates' messages and hand them to the ESP."""
    from orchestration.delivery import command

    if not dry_run and not campaign:
        command.check_present(load_settings(as_of=as_of))
        return _run_part("send", as_of, as_json)
    rows = command.send(load_settings(as_of=as_of), campaign, dry_run)
    if as_json:
        return click.echo(json.dumps(rows, default=str))
    for row in rows:
        if dry_run:
            from orchestration.delivery.dry_run import lines

            click.echo("\n".join(lines(row)))
        else:
            click.echo(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in row.items()))


@_command("why", "sincerely why person.1@example.com\nsincerely why person.1@example.com loyalty_reward")
@click.argument("email")
@click.argument("campaign", required=False)
@JSON
def why(email: str, campaign: str | None, as_json: bool) -> None:
    """Say why a person got, or did not get, a message."""
    from orchestration.delivery.command import why as explain

    answers = explain(load_settings(), email, campaign)
    if as_json:
        return click.echo(json.dumps(answers, default=str))
    for answer in answers:
        click.echo(f"{answer['campaign']} ({answer['occurrence']}): {answer['answer']}")
        for line in answer["details"]:
            click.echo(f"  {line}")


@_command("report", "sincerely report")
@JSON
def report(as_json: bool) -> None:
    """Write the static report pages."""
    from orchestration.report import write

    settings = load_settings()
    path = write(settings)
    click.echo(json.dumps({"report": str(path)}) if as_json else f"Open {path}")


@_command("status", "sincerely status")
@JSON
def status(as_json: bool) -> None:
    """Say what ran, what waits and what is wrong."""
    from orchestration.status import collect

    facts = collect(load_settings())
    if as_json:
        return click.echo(json.dumps(facts, default=str))
    for title, lines in facts.items():
        click.echo(f"{title.replace('_', ' ').capitalize()}:")
        for line in lines or ["nothing"]:
            click.echo(f"  {line}")


@_command("doctor", "sincerely doctor")
@JSON
def doctor(as_json: bool) -> None:
    """Print every setting, its value and its origin, and check that the home and the senders' domains work."""
    from orchestration.sender_domains import command as sender_domains

    settings: Settings = load_settings()
    rows = [{"name": each.name, "value": each.value, "origin": each.origin} for each in settings.describe()]
    if not as_json:
        for row in rows:
            click.echo(f"{row['name']:<24} {row['value']:<60} {row['origin']}")
        click.echo("The home can be written.")
    sender_domains.doctor(settings, rows, as_json)


@_command("dev", "sincerely dev --port 3000")
@click.option("--port", default=3000, show_default=True, help="The UI's port.")
def dev(port: int) -> None:
    """Open the Dagster UI on this home."""
    from orchestration.run import dagster_home

    dagster_home(load_settings())
    program = str(Path(sys.executable).with_name("dagster"))
    os.execv(program, [program, "dev", "-m", "orchestration.definitions", "-p", str(port)])


quarantine.add_to(main, _command)
webhooks.add_to(main, _command)
segment_commands.register(main, _command)
journeys.add_to(main, _command)
models.add_to(main, _command)
backtest_command.add_to(main, _command)
campaigns.add_to(main, _command)
linting.add_to(main, _command)
previewing.add_to(main, _command)
suppressions.add_to(main, _command)
controls.add_to(main, _command)
unknown_messages.add_to(main, _command)

if __name__ == "__main__":
    main()
