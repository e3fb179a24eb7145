-- How the members of the segments that are due differ from those that earlier builds left, by the ids of each build:
-- who was renamed by a merge leaves under the old id and enters under the new one.
with due as (
    select segment, built_at from due_segments
),

members as (
    select segment, person_id from core.segment_members
    where true /* of whom */
),

left_by_earlier_builds as (
    select segment, person_id
    from raw.segment_changes
    where true /* of whom */
    qualify
        row_number() over (partition by segment, person_id order by changed_at desc) = 1
        and change = 'entered'
),

differences as (
    select
        coalesce(members.segment, earlier.segment) as segment,
        coalesce(members.person_id, earlier.person_id) as person_id,
        case when earlier.person_id is null then 'entered' else 'exited' end as change
    from members
    full outer join left_by_earlier_builds as earlier
        on members.segment = earlier.segment and members.person_id = earlier.person_id
    where members.person_id is null or earlier.person_id is null
)

select differences.segment, differences.person_id, differences.change, due.built_at as changed_at
from differences
inner join due using (segment)
order by differences.segment, differences.person_id
