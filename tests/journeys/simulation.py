"""The journeys' real models, compiled by dbt once and run at many instants over made-up years, with the outbox played.

What stands before the journeys (people, orders, transitions and so on) is given as views that show what had happened
by the instant; everything from the outbox on is what dbt makes of the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration import dbt
from orchestration.journeys.tables import journey_tables
from orchestration.settings import load_settings
from rendering.journey import Journey
from tests.building import run_dbt
from tests.journeys.oracle import Message, Outbox
from tests.journeys.years import CAMPAIGNS, Life

MODELS = (
    "stg_outbox__messages", "journey_schedule", "journey_signals", "journey_states", "journey_messages",
    "journey_causes", "journey_endings", "journey_triggers", "journey_entries", "journey_entry_messages",
    "journey_step_times", "journey_open_steps",
    "journey_step_refusals", "journey_step_gates", "journey_step_verdicts", "journey_steps_taken", "journey_positions",
    "stg_outbox__deferrals", "person_clocks", "send_clocks", "clock_days", "counted_messages", "audience_members",
    "audiences_in_doubt", "message_audience", "message_hours", "message_caps", "message_candidates",
)  # fmt: skip
# Stands in the compiled SQL until it runs.
_COMPILED_AT = datetime(1999, 9, 9, 9, 9, 9, 999_999)
_TABLES = """
create table lives.clock (as_of timestamp);
create table raw.campaigns (
    campaign varchar, occurrence varchar, purpose varchar, priority bigint, holdout_share double, role varchar,
    segment varchar, uses_events boolean
);
create table raw.campaign_variants (campaign varchar, variant varchar, from_share double, to_share double);
create table raw.outbox_messages (
    message_id varchar, campaign varchar, occurrence varchar, person_id varchar, email varchar, variant varchar,
    state varchar, error varchar, decisions varchar, attempts bigint, revision bigint, is_holdout boolean,
    planned_at timestamp, accepted_at timestamp, not_before timestamp, expires_at timestamp, _landed_at timestamp
);
create table raw.campaign_pacing (
    campaign varchar, sender_domain varchar, cap_per_day bigint, cap_per_week bigint, ignores_caps boolean,
    quiet_from_hour bigint, quiet_until_hour bigint, send_from_hour bigint, send_until_hour bigint,
    lifetime_seconds bigint
);
create table raw.campaign_controls (campaign varchar, occurrence varchar, control varchar);
create table raw.message_deferrals (
    message_id varchar, campaign varchar, occurrence varchar, person_id varchar, reason varchar, due_at timestamp,
    expires_at timestamp, deferred_at timestamp, _landed_at timestamp
);
create table core.contacts (
    contact_id varchar, person_id varchar, timezone varchar, signed_up_at timestamp, updated_at timestamp
);
create table core.event_invitations (person_id varchar);
create table core.engagement_levels (person_id varchar, engagement_level varchar, recent_acts_count bigint);
create table ml.send_times (person_id varchar, best_hour int);
create table raw.outbox_handovers as from raw.outbox_messages;
create table core.segment_memberships (segment varchar, person_id varchar, member_since timestamp);
create table core.segment_refreshes (segment varchar, is_refreshed boolean, failure varchar, built_at timestamp);
create view core.people as
select person_id, min(arrived_at) as arrived_at from lives.people where arrived_at <= (from lives.clock) group by all;
create view core.identity_map as
select 'email' as identifier_type, email as identifier, person_id, email_seen_at as first_seen_at
from lives.people where email_seen_at <= (from lives.clock);
create view core.contactability as
select
    person_id, min(email) filter (email_seen_at <= (from lives.clock)) as email, bool_and(is_deleted) as is_deleted,
    min(suppressed_at) filter (suppressed_at <= (from lives.clock)) as suppressed_at,
    case when min(suppressed_at) <= (from lives.clock) then 'unsubscribed' end as suppression_reason
from lives.people group by person_id;
create view core.consent_decisions as
select *, 'form' as source, 'v1' as text_version, decided_at as _landed_at, 'l' as _load_id, 1 as _row
from lives.consents where decided_at <= (from lives.clock);
create view core.consents as
select person_id, purpose, is_granted, decided_at, source, text_version from core.consent_decisions
qualify row_number() over (partition by person_id, purpose order by decided_at desc, is_granted) = 1;
create view core.segment_transitions as from lives.segments where changed_at <= (from lives.clock);
create view core.lifecycle_transitions as from lives.stages where changed_at <= (from lives.clock);
create view core.activity as from lives.activity where occurred_at <= (from lives.clock);
create view core.orders as from lives.orders where ordered_at <= (from lives.clock);
"""
_PLAYED = """
insert into raw.outbox_messages by name
select
    message_id, campaign, occurrence, person_id, case when not is_holdout then email end as email, variant,
    case
        when is_holdout then 'held_out'
        when message_id < '05' then 'rejected'
        when message_id < '0a' then 'planned'
        else 'accepted'
    end as state,
    1 as attempts, 1 as revision, is_holdout, (from lives.clock) as planned_at, (from lives.clock) as accepted_at
from core.message_candidates as candidates
where (exclusion_reason is null and not is_planned) or is_holdout
"""


class Simulation:
    """A home whose warehouse holds the years; `run` is one run of the pipeline."""

    def __init__(self, home: Path, journeys: Iterable[Journey], people: list[Life]) -> None:
        self._settings = load_settings({"SINCERELY_HOME": str(home)})
        self._compiled = self._compile()
        self._connection = duckdb.connect(str(self._settings.warehouse))
        for schema in ("raw", "lives", "core", "staging", "ml"):
            self._connection.execute(f"create schema if not exists {schema}")
        for name, table in _lives(people).items():
            self._keep(f"lives.{name}", table)
        self._connection.execute(_TABLES)
        for name, table in journey_tables(journeys).items():
            self._keep(f"raw.{name}", table)
        for campaign, (purpose, holdout) in CAMPAIGNS.items():
            self._connection.execute(
                "insert into raw.campaigns values (?, 'journey', ?, 1, ?, 'journey', null, false)",
                [campaign, purpose, holdout],
            )
            self._connection.execute("insert into raw.campaign_variants values (?, 'default', 0, 1)", [campaign])

    def run(self, as_of: datetime, plays: bool = True) -> int:
        """Builds the models as of the instant, and writes the candidates into the outbox; returns how many."""
        self.build(as_of)
        if not plays:
            return 0
        return int(self._connection.execute(_PLAYED).fetchall()[0][0])

    def build(self, as_of: datetime) -> None:
        """Makes every table of the journeys anew."""
        self._connection.execute("create or replace table lives.clock as select cast(? as timestamp) as as_of", [as_of])
        for table, sql in self._compiled.items():
            at = sql.replace(f"{_COMPILED_AT:%Y-%m-%d %H:%M:%S.%f}", f"{as_of:%Y-%m-%d %H:%M:%S.%f}")
            self._connection.execute(f"create or replace table {table} as {at}")

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return self._connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        self._connection.execute(sql)

    def outbox(self) -> Outbox:
        """The outbox, by person, journey, step and entry."""
        return {
            (person, *occurrence.split(":")[:2], datetime.strptime(occurrence.split(":")[2], "%Y%m%dT%H%M%S%fZ")): (
                Message(planned_at, state)
            )
            for person, occurrence, planned_at, state in self.rows(
                "select person_id, occurrence, planned_at, state from raw.outbox_messages"
            )
        }

    def rebuild(self, as_of: datetime) -> None:
        """Drops what was built and lets dbt itself build and test it."""
        for table in self._compiled:
            self._connection.execute(f"drop table {table}")
        self._connection.close()
        self._dbt("build", "--exclude-resource-type", "unit_test", as_of=as_of)
        self._connection = duckdb.connect(str(self._settings.warehouse))

    def close(self) -> None:
        self._connection.close()

    def _keep(self, table: str, batches: pa.Table) -> None:
        self._connection.register("batches", batches)
        self._connection.execute(f"create or replace table {table} as from batches")
        self._connection.unregister("batches")

    def _compile(self) -> dict[str, str]:
        self._dbt("compile", as_of=_COMPILED_AT)
        folder = dbt.target_path(self._settings) / "compiled" / "sincerely" / "models"
        found = {}
        for model in MODELS:
            (file,) = folder.rglob(f"{model}.sql")
            schema = "staging" if model.startswith("stg_") else "core"
            found[f"{schema}.{model}"] = file.read_text()
        return found

    def _dbt(self, command: str, *arguments: str, as_of: datetime) -> None:
        run_dbt(
            [
                command, "--select", *MODELS, *arguments, "--project-dir", str(dbt.DBT_PROJECT),
                "--target-path", str(dbt.target_path(self._settings)), "--vars", dbt.variables(as_of),
            ],
            dbt.build_environment(self._settings),
        )  # fmt: skip


def _lives(people: list[Life]) -> dict[str, pa.Table]:
    at = pa.timestamp("us")
    text, flag = pa.string(), pa.bool_()

    def table(rows: Iterator[tuple[object, ...]], **columns: pa.DataType) -> pa.Table:
        listed = list(zip(*rows, strict=True)) or [()] * len(columns)
        named = zip(columns.items(), listed, strict=True)
        return pa.table({name: pa.array(values, kind) for (name, kind), values in named})

    return {
        "people": table(
            (
                (life.person_id, life.activity[0][0], f"{life.person_id}@example.com", life.email_seen_at,
                 life.is_deleted, life.suppressed_at)
                for life in people
            ),
            person_id=text, arrived_at=at, email=text, email_seen_at=at, is_deleted=flag, suppressed_at=at,
        ),
        "segments": table(
            ((segment, life.person_id, change, when) for life in people for when, segment, change in life.segments),
            segment=text, person_id=text, change=text, changed_at=at,
        ),
        "stages": table(
            ((life.person_id, before, after, when) for life in people for when, before, after in life.stages),
            person_id=text, from_stage=text, to_stage=text, changed_at=at,
        ),
        "activity": table(
            ((life.person_id, activity, when) for life in people for when, activity in life.activity),
            person_id=text, activity=text, occurred_at=at,
        ),
        "orders": table(
            ((life.person_id, when, True) for life in people for when in life.orders),
            person_id=text, ordered_at=at, is_purchase=flag,
        ),
        "consents": table(
            ((life.person_id, purpose, granted, when) for life in people for when, purpose, granted in life.consents),
            person_id=text, purpose=text, is_granted=flag, decided_at=at,
        ),
    }  # fmt: skip
