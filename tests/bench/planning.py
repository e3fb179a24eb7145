"""Who gets what, for a million people: consent, suppressions, caps, quiet hours and hold-outs in the models' own SQL.

    python -m tests.bench.planning [PEOPLE]

The tables before the planning are made up by hashes of a person's number: a fifth without consent, and what everybody
got in the last nine days. Once there is one campaign, which comes to a message for each of a million of them; once
there are four, of which each person is in two or three, so that most have to wait for their caps.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration import dbt
from orchestration.landing import files
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse

# For each case so many people, by the million that are asked for: of those in one campaign two in three may get it.
CASES = {"one campaign": 1.53, "four campaigns": 1.0}
PEOPLE = 1_000_000
AS_OF = datetime(2018, 1, 1, 12)
_MODELS = (
    "stg_outbox__messages", "stg_outbox__deferrals", "person_clocks", "send_clocks", "clock_days", "counted_messages",
    "audience_members", "audiences_in_doubt", "message_audience", "message_hours", "message_caps", "message_candidates",
    "exclusions",
)  # fmt: skip
_WORLD = """
create schema core; create schema staging;
create table raw.campaigns (
    campaign varchar, occurrence varchar, purpose varchar, priority bigint, holdout_share double, role varchar,
    segment varchar, uses_events boolean
);
insert into raw.campaigns
select * from (values
    ('news', '2018-01', 'newsletter', 50, 0.1, 'include', 'two_thirds', false),
    ('news', '2018-01', 'newsletter', 50, 0.1, 'exclude', 'few', false),
    ('offer', '2018-01', 'offers', 70, 0, 'include', 'two_thirds', false),
    ('everybody', 'once', 'newsletter', 10, 0, 'include', 'everybody', false),
    ('hourly', '2018-01-01', 'offers', 30, 0, 'include', 'third', false)
) as campaigns where '{case}' = 'four campaigns'
union all
select 'loyalty', '2018-01', 'offers', 50, 0, 'include', 'everybody', false where '{case}' = 'one campaign';
create table core.event_invitations (person_id varchar);
create table raw.campaign_variants as
select campaign, 'default' as variant, 0.0::double as from_share, 1.0::double as to_share
from (select distinct campaign from raw.campaigns);
insert into raw.campaign_pacing
select
    campaign, 'example.com', null, null, false, null, null, case when campaign = 'hourly' then 8 end,
    case when campaign = 'hourly' then 20 end, 259200
from (select distinct campaign from raw.campaigns);
create table raw.journey_rules (journey varchar, role varchar, kind varchar, value varchar, reason varchar);
create table raw.journey_conditions (
    journey varchar, step varchar, condition_number bigint, kind varchar, value varchar, is_negated boolean,
    words varchar
);
create table core.people as
select md5('person ' || n) as person_id, n, timestamp '2016-01-01' as arrived_at from range({people}) as numbers (n);
create table core.contacts as
select
    'c' || n as contact_id, person_id, timestamp '2016-01-01' as signed_up_at, null::timestamp as updated_at,
    ['America/New_York', 'America/Chicago', 'Europe/Berlin', 'Asia/Tokyo', null][1 + n % 5] as timezone
from core.people;
create table core.contactability as
select
    person_id, 'person.' || n || '@example.com' as email, n % 50 = 1 as is_deleted,
    case when n % 40 = 2 then 'unsubscribed' end as suppression_reason,
    case when n % 40 = 2 then timestamp '2017-01-01' end as suppressed_at
from core.people;
create table core.identity_map as
select 'email' as identifier_type, email as identifier, person_id, timestamp '2016-01-01' as first_seen_at
from core.contactability;
create table core.consents as
select person_id, purpose, n % 5 <> 3 as is_granted, timestamp '2016-01-01' as decided_at
from core.people cross join (values ('newsletter'), ('offers')) as purposes (purpose);
create table core.segment_memberships as
select segment, person_id, timestamp '2017-01-01' as member_since
from core.people
inner join (values ('two_thirds', 2), ('third', 1), ('everybody', 3)) as segments (segment, part) on n % 3 < part
union all select 'few', person_id, timestamp '2017-01-01' from core.people where n % 100 = 7;
create table core.segment_refreshes as
select distinct segment, true as is_refreshed, null::varchar as failure from core.segment_memberships;
create table core.engagement_levels as
select person_id, 'active' as engagement_level, n % 9 as recent_acts_count from core.people;
create table core.journey_steps_taken (
    campaign varchar, occurrence varchar, purpose varchar, priority bigint, holdout_share double, person_id varchar,
    journey varchar, step varchar, reason varchar, is_candidate boolean, message_id varchar, due_at timestamp,
    deadline_at timestamp
);
drop table if exists ml.send_times;
create table ml.send_times as select person_id, cast(n % 24 as int) as best_hour from core.people;
create table raw.outbox_messages as
select
    md5('old ' || n || ' ' || back) as message_id, 'old' as campaign, 'once' as occurrence, person_id,
    'person.' || n || '@example.com' as email, null::varchar as variant, 'accepted' as state, null::varchar as error,
    null::varchar as decisions, 1::bigint as attempts, 1::bigint as revision, false as is_holdout,
    timestamp '2018-01-01 09:00' - to_days(cast(back as int)) as planned_at,
    timestamp '2018-01-01 09:10' - to_days(cast(back as int)) as accepted_at, null::timestamp as not_before,
    null::timestamp as expires_at, null::timestamp as _landed_at
from core.people cross join range(9) as days (back)
where case when '{case}' = 'one campaign' then n % 10 = back else (n + back) % 3 = 0 end;
"""


@dataclass(frozen=True)
class Planned:
    """`seconds` is the whole of dbt's process, `models_seconds` what the models took, one after another, and
    `cpu_seconds` what both cores worked for it: where others work beside it, that says more."""

    case: str
    people: int
    candidates: int
    planned: int
    deferred: int
    seconds: float
    models_seconds: float
    cpu_seconds: float
    peak_gib: float


def measured(case: str, messages: int = PEOPLE) -> Planned:
    """Plans one of CASES in a home of its own."""
    people = int(messages * CASES[case])
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"SINCERELY_HOME": folder})
        files.prepare(Warehouse(settings.warehouse))
        with duckdb.connect(str(settings.warehouse)) as connection:
            connection.execute(_WORLD.replace("{people}", str(people)).replace("{case}", case))
        dbt.manifest(settings)  # parsing does not grow with the data
        started, worked = time.monotonic(), _cpu_seconds()
        _build(settings)
        seconds, worked = time.monotonic() - started, _cpu_seconds() - worked
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        results = json.loads((dbt.target_path(settings) / "run_results.json").read_text())["results"]
        with duckdb.connect(str(settings.warehouse)) as connection:
            counted = connection.execute(
                "select count(*), count(*) filter (exclusion_reason is null), count(*) filter (is_deferred) "
                "from core.message_candidates"
            ).fetchone()
    assert counted is not None
    return Planned(case, people, *counted, seconds, sum(each["execution_time"] for each in results), worked, peak)


def told(each: Planned) -> str:
    """One line for a person."""
    return (
        f"{f'planning, {each.case}':<32} {each.people:>12,} people {each.candidates:>12,} rows {each.seconds:>8.2f} s, "
        f"of which {each.models_seconds:.2f} s in the models, {each.cpu_seconds:.2f} s of CPU; "
        f"{each.planned:,} planned, {each.deferred:,} put off, {each.peak_gib:.2f} GiB"
    )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _build(settings: Settings) -> None:
    done = subprocess.run(
        [
            dbt.executable(), "run", "--select", *_MODELS, "--project-dir", str(dbt.DBT_PROJECT),
            "--target-path", str(dbt.target_path(settings)), "--vars", dbt.variables(AS_OF),
        ],
        env={**os.environ, **dbt.build_environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


if __name__ == "__main__":
    for case in CASES:
        print(told(measured(case, int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)))
