-- One row per reason of one campaign's occurrence, and one of those who would get it, whose reason is null.
with candidates as (
    select *
    from core.message_candidates
    where campaign = ? and (occurrence = ? or journey is not null or is_carried_over)
)

select
    case when is_planned then 'already_planned' else exclusion_reason end as reason,
    case when exclusion_reason in ('capped', 'excluded_segment', 'segment_failed', 'suppressed') then exclusion_detail end
    as detail,
    bool_or(is_deferred) as is_deferred,
    count(*) as people_count,
    count(not_before) filter (where exclusion_reason is null and not is_planned) as waiting_count,
    min(not_before) filter (where exclusion_reason is null and not is_planned) as first_at,
    array_agg(message_id order by person_id) filter (where exclusion_reason is null and not is_planned) as message_ids,
    array_agg(person_id order by person_id) filter (where exclusion_reason is null and not is_planned) as person_ids,
from candidates
group by 1, 2
order by 1 nulls first, 2
