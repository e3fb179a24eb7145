with sightings as (

    select * from {{ ref('sightings') }}

),

{% if is_refresh_incremental() %}
dirty_people as (

    select * from {{ ref('dirty_people') }}

),

retenured_devices as (

    select * from {{ ref('retenured_devices') }}

),

-- What was known of the people in question; a tenure of a device that changed hands is seen anew, or is no more.
known as (

    select identity_map.identifier_type, identity_map.identifier, identity_map.first_seen_at
    from {{ before_refresh('identity_map') }} as identity_map
    inner join dirty_people
        on identity_map.person_id = dirty_people.person_id
    left join retenured_devices
        on
            identity_map.identifier_type = retenured_devices.identifier_type
            and identity_map.identifier = retenured_devices.tenure_id
            and retenured_devices.is_seen_anew
    where retenured_devices.tenure_id is null

),

-- Sightings of people of whom nothing new was learned are left out with them.
unknown as (

    select sightings.*
    from sightings
    left join {{ before_refresh('identity_map') }} as identity_map
        on
            sightings.identifier = identity_map.identifier
            and {{ also_equal('sightings.identifier_type', 'identity_map.identifier_type') }}
    left join dirty_people
        on identity_map.person_id = dirty_people.person_id
    where identity_map.identifier is null or dirty_people.person_id is not null

),

first_seen as (

    select identifier_type, identifier, min(first_seen_at) as first_seen_at
    from (
        select * from known
        union all
        select * from unknown
    ) as all_sightings
    group by identifier_type, identifier

),
{% else %}
first_seen as (

    select * from sightings

),
{% endif %}

-- The older an identifier, the smaller its number: a component is named for its oldest.
final as (

    select
        row_number() over (
            order by
                first_seen_at,
                case identifier_type when 'contact_id' then 1 when 'email' then 2 when 'phone' then 3 else 4 end,
                identifier
        ) as node,
        identifier_type,
        identifier,
        first_seen_at
    from first_seen

)

select * from final
