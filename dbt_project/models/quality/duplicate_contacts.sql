with contacts as (

    select * from {{ ref('contacts') }}
    where not coalesce(is_deleted, false)

),

unified_contacts as (

    select
        *,
        row_number() over (partition by person_id order by signed_up_at, contact_id) as place
    from contacts

),

certain_contacts as (

    select
        firsts.contact_id as first_key,
        later.contact_id as later_key,
        'the identity map holds both to be one person, by '
        || case
            when later.email = firsts.email then 'the same e-mail address'
            when later.phone = firsts.phone then 'the same phone number'
            else 'identifiers between them'
        end as evidence,
        later._load_id,
        later._landed_at
    from unified_contacts as later
    inner join unified_contacts as firsts
        on later.person_id = firsts.person_id and firsts.place = 1
    where later.place > 1

),

named_contacts as (

    select
        *,
        regexp_replace(lower(trim(first_name) || ' ' || trim(last_name)), '[[:space:]]+', ' ', 'g') as full_name
    from contacts
    where first_name is not null and last_name is not null

),

likenesses as (

    select *, 'name and birth date' as likeness, full_name || '|' || cast(birth_date as varchar) as shared
    from named_contacts
    union all
    select *, 'name and city', full_name || '|' || lower(city)
    from named_contacts
    union all
    select *, 'name and first part of the address', full_name || '|' || split_part(email, '@', 1)
    from named_contacts

),

alike as (

    select
        *,
        count(*) over (partition by likeness, shared) as contacts_count,
        row_number() over (partition by likeness, shared order by signed_up_at, contact_id) as place
    from likenesses
    where shared is not null

),

-- Each against the first of those alike, never all against all: a name that many have stays cheap.
suspected_contacts as (

    select
        firsts.contact_id as first_key,
        later.contact_id as later_key,
        'the same ' || string_agg(later.likeness, ', the same ' order by later.likeness) as evidence,
        max(later._load_id) as _load_id,
        max(later._landed_at) as _landed_at
    from alike as later
    inner join alike as firsts
        on later.likeness = firsts.likeness and later.shared = firsts.shared and firsts.place = 1
    where
        later.place > 1
        and later.contacts_count <= {{ var('max_contacts_per_likeness') }}
        and later.person_id <> firsts.person_id
        -- Two known birth dates that differ are two people.
        and coalesce(later.birth_date = firsts.birth_date, true)
    group by firsts.contact_id, later.contact_id

),

final as (

    select
        'same_person_two_contacts' as kind,
        'crm_contacts' as entity,
        'certain' as certainty,
        first_key,
        later_key,
        evidence,
        _load_id as load_id,
        _landed_at as landed_at
    from certain_contacts
    union all
    select 'contacts_alike', 'crm_contacts', 'suspected', first_key, later_key, evidence, _load_id, _landed_at
    from suspected_contacts

)

select * from final
