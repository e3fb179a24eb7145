{% if is_refresh_incremental() %}
with sightings as (

    select * from {{ ref('sightings') }}

),

new_links as not materialized (

    select * from {{ ref('identifier_links') }}
    where _refresh = {{ refresh_number() }}

),

retenured_devices as (

    select * from {{ ref('retenured_devices') }}

),

identity_map as not materialized (

    select * from {{ before_refresh('identity_map') }}

),

-- A new link, an older first sight or a device in other hands may change who a person is, or their name.
touched as (

    select type_a as identifier_type, identifier_a as identifier
    from new_links
    union
    select type_b, identifier_b
    from new_links
    union
    select identifier_type, tenure_id
    from retenured_devices
    union
    select sightings.identifier_type, sightings.identifier
    from sightings
    inner join identity_map
        on
            sightings.identifier = identity_map.identifier
            and {{ also_equal('sightings.identifier_type', 'identity_map.identifier_type') }}
    where sightings.first_seen_at < identity_map.first_seen_at

),

final as (

    select distinct identity_map.person_id
    from identity_map
    inner join touched
        on
            identity_map.identifier = touched.identifier
            and {{ also_equal('identity_map.identifier_type', 'touched.identifier_type') }}

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
