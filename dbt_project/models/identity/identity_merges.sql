with identity_map as (

    select * from {{ ref('identity_map') }}

),

links as (

    select * from {{ ref('identifier_links') }}

),

-- A contact that is not its person's oldest identifier would have been a person of its own.
merged as (

    select
        person_id as kept_person_id,
        md5('contact_id:' || identifier) as merged_person_id,
        identifier
    from identity_map
    where identifier_type = 'contact_id' and md5('contact_id:' || identifier) <> person_id

),

sole_contacts as (

    select person_id
    from identity_map
    where identifier_type = 'contact_id'
    group by person_id
    having count(*) = 1

),

linked as (

    select identifier_a as identifier, min(first_seen_at) as merged_at
    from links
    group by identifier_a

),

final as (

    select
        merged.kept_person_id,
        merged.merged_person_id,
        linked.merged_at,
        merged.identifier
    from merged
    left join sole_contacts
        on merged.kept_person_id = sole_contacts.person_id
    left join linked
        on merged.identifier = linked.identifier
    where sole_contacts.person_id is null

)

select * from final
