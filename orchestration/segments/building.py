"""One dbt build for everything; where segments fail it, a second one for what they held up, without them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliInvocation, DbtCliResource

from orchestration import dbt
from orchestration.parts import TRIGGERS_TAG
from orchestration.segments import soundness
from orchestration.settings import Settings

Result = Mapping[str, Any]
# A build that leaves the audits to the night is in haste.
_AUDITS = dg.AssetKey(["quality", "audits"])


@dataclass
class Built:
    """Dagster's events, the error to raise for what failed besides segments and what is harmless, and dbt's results."""

    events: list[Any] = field(default_factory=list)
    error: Exception | None = None
    results: list[Result] = field(default_factory=list)
    manifest: Mapping[str, Any] = field(default_factory=dict)


def build(
    cli: DbtCliResource,
    context: dg.AssetExecutionContext,
    settings: Settings,
    as_of: datetime,
    broken: Mapping[str, str],
    is_harmless: Callable[[Mapping[str, Any], Result], bool],
) -> Built:
    """Builds what the context selects; `broken` segments are no part of the project.

    A segment that fails holds up whatever waits for the segments. If nothing but segments (and what `is_harmless`,
    given the manifest and a result, lets pass) failed, what was held up is built again without those.
    """

    target_path = dbt.target_path(settings)
    is_in_haste, is_partial = _AUDITS not in context.selected_asset_keys, TRIGGERS_TAG in context.run.tags

    def start(failed: Mapping[str, str], *selection: str, **how: Any) -> DbtCliInvocation:
        variables = dbt.variables(as_of, failed, settings.known_at, is_in_haste=is_in_haste, is_partial=is_partial)
        arguments = [*dbt.build_command(is_in_haste=is_in_haste, is_partial=is_partial), "--vars", variables]
        return cli.cli([*arguments, *selection], target_path=target_path, raise_on_error=False, **how)

    events, results, error, ran = _run(lambda: start(broken, context=context), context, target_path)
    manifest, names = ran.manifest, [name for name in dbt.segments() if name not in broken]
    failed = soundness.failed(manifest, results, names)
    if error and (not results or soundness.failures_besides(manifest, results, failed, is_harmless)):
        return Built(events, error, results, manifest)
    held_up = soundness.held_up(manifest, results, failed) if failed else []
    if not held_up:
        return Built(events, None, results, manifest)

    def start_again() -> DbtCliInvocation:
        translator = ran.dagster_dbt_translator
        selection = ("--select", " ".join(held_up))
        again = start({**broken, **failed}, *selection, manifest=manifest, dagster_dbt_translator=translator)
        again.context = context  # given at once, all of what the context selects would be built again
        return again

    more, again, error, _ = _run(start_again, context, target_path)
    if error and again and not soundness.failures_besides(manifest, again, {}, is_harmless):
        error = None
    return Built([*events, *more], error, [*results, *again], manifest)


def in_order(events: list[Any], context: dg.AssetExecutionContext) -> Iterator[Any]:
    """The events so that no asset comes before one that it waits for, as Dagster wants it: segments wait for more
    than what dbt knows of."""
    deps = context.assets_def.asset_deps
    keys = [
        context.asset_key_for_output(event.output_name) if isinstance(event, dg.Output) else None for event in events
    ]
    missing = {key for key in keys if key}
    left = list(zip(events, keys, strict=True))
    while left:
        later = []
        for event, key in left:
            awaited = deps[key] - {key} if key else {getattr(event, "asset_key", None)}
            if awaited & missing:
                later.append((event, key))
            else:
                missing.discard(key)
                yield event
        if len(later) == len(left):  # never, in a graph without a circle
            yield from (event for event, _ in later)
            return
        left = later


def _run(
    start: Callable[[], DbtCliInvocation], context: dg.AssetExecutionContext, target_path: Path
) -> tuple[list[Any], list[Result], Exception | None, DbtCliInvocation]:
    written = target_path / "run_results.json"
    written.unlink(missing_ok=True)  # of an earlier build
    invocation = start()
    events = list(_told(invocation.stream(), context))
    error = invocation.get_error()
    results = json.loads(written.read_text(encoding="utf-8"))["results"] if written.exists() else []
    return events, results, error, invocation


def _told(events: Iterator[Any], context: dg.AssetExecutionContext) -> Iterator[Any]:
    for event in events:
        if isinstance(event, dg.Output):
            context.log.info(f"built {event.output_name.replace('__', '.')}")
        yield event
