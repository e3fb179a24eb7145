-- What changed within a stretch of time, with the id of each delivery, in the order in which it is told: who moves
-- from one segment to another at one instant leaves first.
select
    sha256(concat_ws('|', ?, segment, person_id, change, strftime(changed_at, '%Y-%m-%dT%H:%M:%S.%f'))) as id,
    segment,
    person_id,
    change,
    changed_at
from core.segment_transitions
where
    changed_at > ?
    and changed_at <= ?
    and segment in (select unnest(cast(? as varchar[])))
    and change in (select unnest(cast(? as varchar[])))
order by changed_at, change desc, segment, person_id
