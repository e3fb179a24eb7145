"""The main job in this process: the same Dagster job that the UI runs, with a progress display."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from orchestration.locks import exclusive
from orchestration.progress import step_display
from orchestration.run_history import written_lazily
from orchestration.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

_DAGSTER_YAML = """\
telemetry:
  enabled: false
freshness:
  enabled: true
concurrency:
  pools:
    default_limit: 1
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
"""
# Marks the runs of the command line, which only live while their process holds the run lock.
_LAUNCHER_TAG = {"sincerely/launcher": "command line"}
# What lasts beyond the tables, which the next run builds anew: messages, webhooks, the history of segments.
_LASTING = (
    ["outbox", "planned_messages"], ["outbox", "handed_over_messages"], ["outbox", "webhook_deliveries"],
    ["raw", "segment_observations"],
)  # fmt: skip
_NOTHING_SENT = "Nothing was planned or handed over: a run with --known-at looks at the past."


@dataclass
class Outcome:
    """What the job came to. `problems` are sentences; the job held when there are none."""

    as_of: datetime
    known_at: datetime | None = None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    step_seconds: dict[str, float] = field(default_factory=dict)
    step_rows: dict[str, int] = field(default_factory=dict)


def dagster_home(settings: Settings) -> Path:
    """Dagster's own state in the home, made ready."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "dagster.yaml"
    if not config.exists():
        config.write_text(_DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["SINCERELY_HOME"] = str(settings.home)
    return folder


def run(
    settings: Settings,
    console: Console,
    groups: Sequence[str] | None = None,
    debug: bool = False,
    upstream_of: list[str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Runs the whole job, or the asset groups named, or some assets with the landing and all else that they come from.

    Raises LockedError at once when another run has the home; a step that fails ends up in `problems`, and
    what hangs on it is not done.
    """
    as_of = settings.as_of or datetime.now(UTC)
    with (
        exclusive(settings.home / "run.lock", wait_seconds=0),
        _quiet(settings.home / "last_run.log", debug),
    ):
        folder = dagster_home(settings)
        # Before all else that the run loads: it looks functions up in every module that is there by then.
        importlib.import_module("skops.io")
        import dagster as dg

        from orchestration.definitions import definitions

        with written_lazily(folder), dg.DagsterInstance.from_config(str(folder)) as instance:
            _bury_dead_runs(instance)
            job = _job(definitions, groups, upstream_of, settings.known_at is None)
            run_id = str(uuid.uuid4())
            outcome = Outcome(as_of, settings.known_at)
            with step_display(console) as display:
                instance.add_event_listener(run_id, display.on_event)
                result = job.execute_in_process(
                    run_config={"resources": {"home": {"config": _instants(as_of, settings.known_at)}}},
                    instance=instance,
                    run_id=run_id,
                    tags={**_LAUNCHER_TAG, **(tags or {})},
                    raise_on_error=False,
                )
            outcome.step_seconds, outcome.step_rows = display.step_seconds, display.step_rows
            _judge(result, outcome, debug)
            if settings.known_at is not None and groups is None and upstream_of is None:
                outcome.warnings.append(_NOTHING_SENT)
            return outcome


def _instants(as_of: datetime, known_at: datetime | None) -> dict[str, str]:
    return {"as_of": as_of.isoformat(), "known_at": known_at.isoformat() if known_at else ""}


def _bury_dead_runs(instance: dg.DagsterInstance) -> None:
    """Ends what a killed process left under way, and frees the pool's place that it still holds.

    Right only while this process holds the run lock: no other command line can be running then.
    """
    import dagster as dg

    under_way = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING],
        tags=_LAUNCHER_TAG,
    )
    for dead in instance.get_runs(under_way):
        instance.report_run_canceled(dead, "The process was killed; the next run takes its work up.")
    storage = instance.event_log_storage
    for pool in storage.get_concurrency_keys():
        info = storage.get_concurrency_info(pool)
        waiting = {each.run_id for each in info.pending_steps}
        for run_id in info.active_run_ids | waiting:
            holder = instance.get_run_by_id(run_id)
            if holder is None or holder.is_finished:
                storage.free_concurrency_slots_for_run(run_id)


def _job(
    definitions: dg.Definitions, groups: Sequence[str] | None, upstream_of: list[str] | None, may_last: bool
) -> dg.JobDefinition:
    import dagster as dg

    selection: dg.AssetSelection
    if groups:
        selection = dg.AssetSelection.groups(*groups)
    elif upstream_of:
        named = dg.AssetSelection.assets(*(key.split("/") for key in upstream_of))
        selection = named.upstream() | dg.AssetSelection.groups("landing")
    elif may_last:
        return definitions.resolve_job_def("refresh")
    else:
        # What has partitions is run by them, not by the main job.
        selection = dg.AssetSelection.all() - dg.AssetSelection.groups("backtests")
    if not may_last:
        selection = selection - dg.AssetSelection.assets(*_LASTING)
    part = dg.define_asset_job("part", selection=selection)
    merged = dg.Definitions.merge(definitions, dg.Definitions(jobs=[part]))
    return merged.resolve_job_def("part")


def _judge(result: Any, outcome: Outcome, debug: bool) -> None:
    import dagster as dg

    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE":
            outcome.problems.append(_failure(event, debug))
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            evaluation = event.asset_check_evaluation_data
            if evaluation.passed:
                continue
            details = [str(value.value) for value in evaluation.metadata.values() if _is_sentence(value.value)]
            name = f"{'.'.join(evaluation.asset_key.path)}: {evaluation.check_name.replace('_', ' ')} failed"
            lines = details or [name]
            is_error = evaluation.severity == dg.AssetCheckSeverity.ERROR
            (outcome.problems if is_error else outcome.warnings).extend(lines)
    if not result.success and not outcome.problems:
        outcome.problems.append("The job did not succeed; run again with --debug to see why.")


def _is_sentence(value: Any) -> bool:
    return isinstance(value, str) and value.endswith(".") and " " in value


def _failure(event: Any, debug: bool) -> str:
    error = event.step_failure_data.error
    deepest = error
    while deepest.cause is not None:
        deepest = deepest.cause
    chain = [error, deepest]
    ours = next((each for each in chain if each.cls_name in _our_errors()), deepest)
    text = ours.message.strip()
    if ours.cls_name in _our_errors():
        text = text.partition(": ")[2]
    elif ours.cls_name == "DagsterDbtCliRuntimeError":
        text = _dbt_words(text)
    else:
        text = f"{event.step_key}: {next(iter(text.splitlines()), text)} (run with --debug for more)"
    return text if not debug else f"{text}\n{error.to_string()}"


def _dbt_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    failures = [line for line in lines if line.startswith(("Failure in", "Runtime Error", "Compilation Error"))]
    return "dbt: " + "; ".join(dict.fromkeys(failures or lines[-3:])) + ". Mend the data or the model, and run again."


def _our_errors() -> set[str]:
    from orchestration import errors

    names, queue = set(), [errors.SincerelyError]
    while queue:
        kind = queue.pop()
        names.add(kind.__name__)
        queue.extend(kind.__subclasses__())
    return names | {"RenderingError", "CampaignError", "TemplateError", "RuleError", "ModelFileError"}


@contextlib.contextmanager
def _quiet(log: Path, debug: bool) -> Iterator[None]:
    """Sends what Dagster and dbt print into a log file: the display says what a person needs."""
    if debug:
        yield
        return
    logging.disable(logging.CRITICAL)
    try:
        with (
            log.open("w", encoding="utf-8") as file,
            contextlib.redirect_stdout(file),
            contextlib.redirect_stderr(file),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
