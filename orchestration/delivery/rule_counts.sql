-- How many people of the audience each rule matches, and for how many it is the first that does.
with audience as (
    select person_id, bool_or(exclusion_reason is null) as is_recipient,
    from core.message_candidates
    where campaign = ? and (occurrence = ? or is_carried_over or journey is not null)
    group by person_id
),

-- Rules name the profile's columns, so nothing else is in sight.
decided as (
    select p.person_id, /* decided */
    from core.profiles as p
),

judged as (
    select decided.*, audience.is_recipient,
    from audience
    inner join decided on audience.person_id = decided.person_id
)

select count(*) as audience, /* counts */
from judged
