-- The segments whose members this build found and no build at that instant or later has noted yet. A segment whose
-- file is gone has none, and that is noted once. A build of the past notes nothing.
with refreshes as (
    select segment, built_at, is_refreshed from core.segment_refreshes
),

standing as (
    select segment
    from raw.segment_changes
    group by segment
    having count(*) filter (change = 'entered') > count(*) filter (change = 'exited')
),

candidates as (
    select segment, built_at
    from refreshes
    where is_refreshed
    union all
    select standing.segment, (select max(built_at) from refreshes)
    from standing
    anti join refreshes using (segment)
),

noted as (
    select segment, max(observed_at) as observed_at
    from raw.segment_observations
    group by segment
)

select candidates.segment, candidates.built_at
from candidates
left join noted using (segment)
where
    candidates.built_at > coalesce(noted.observed_at, '-infinity'::timestamp)
    and candidates.built_at >= coalesce((select max(observed_at) from noted), '-infinity'::timestamp)
