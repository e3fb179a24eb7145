-- One row per segment of the last build: its size, and who came and went since the build before.
with members as (
    select segment, count(*) as members_count
    from core.segment_memberships
    group by segment
),

changes as (
    select
        transitions.segment,
        count(*) filter (transitions.change = 'entered') as entered_count,
        count(*) filter (transitions.change = 'exited') as exited_count
    from core.segment_transitions as transitions
    inner join core.segment_refreshes as refreshes
        on transitions.segment = refreshes.segment and transitions.changed_at = refreshes.built_at
    group by transitions.segment
),

observations as (
    select observations.segment, max(observations.observed_at) as observed_at
    from raw.segment_observations as observations
    inner join core.segment_refreshes as refreshes
        on observations.segment = refreshes.segment and observations.observed_at <= refreshes.built_at
    group by observations.segment
)

select
    refreshes.segment,
    refreshes.is_refreshed,
    refreshes.failure,
    refreshes.built_at,
    case when refreshes.is_refreshed then refreshes.built_at else observations.observed_at end as refreshed_at,
    coalesce(members.members_count, 0) as members_count,
    coalesce(changes.entered_count, 0) as entered_count,
    coalesce(changes.exited_count, 0) as exited_count
from core.segment_refreshes as refreshes
left join members using (segment)
left join changes using (segment)
left join observations using (segment)
order by refreshes.segment
