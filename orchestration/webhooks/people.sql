-- Who the people of some deliveries are today: those who were merged since are the person who was kept.
with wanted as (

    select unnest(cast(? as varchar[])) as person_id

),

today as (

    select
        wanted.person_id,
        coalesce(merges.kept_person_id, wanted.person_id) as present_person_id
    from wanted
    left join core.identity_merges as merges
        on wanted.person_id = merges.merged_person_id

),

contacts as (

    select
        person_id,
        list(identifier order by identifier) as contact_ids
    from core.identity_map
    where
        identifier_type = 'contact_id'
        and person_id in (select present_person_id from today)
    group by person_id

)

select
    today.person_id,
    today.present_person_id,
    contacts.contact_ids,
    profiles.email
from today
left join contacts
    on today.present_person_id = contacts.person_id
left join core.profiles as profiles
    on today.present_person_id = profiles.person_id
