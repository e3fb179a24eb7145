-- One row per message that has to wait and was not put off before.
insert into raw.message_deferrals by name
select
    candidates.message_id,
    candidates.campaign,
    candidates.occurrence,
    candidates.person_id,
    coalesce(candidates.exclusion_reason, 'gate') as reason,
    candidates.due_at,
    candidates.expires_at,
    $1::timestamp as deferred_at,
    $2::timestamp as _landed_at,
from core.message_candidates as candidates
anti join raw.message_deferrals as deferrals on candidates.message_id = deferrals.message_id
where
    candidates.is_deferred
    or (candidates.exclusion_reason is null and not candidates.is_planned and candidates.campaign in $3::varchar[])
