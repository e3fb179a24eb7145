-- Mostly nobody, which only a table says beforehand: or else the ids of all identifiers are worked out to look for them.
{% if is_refresh_incremental() %}
with changes as not materialized (

    select * from {{ ref('stg_segments__changes') }}
    where changed_at >= {{ since() }}

),

identity_map as not materialized (

    select * from {{ ref('identity_map') }}

),

final as (

    select distinct changes.person_id
    from changes
    left join identity_map
        on changes.person_id = identity_map.person_id
    where identity_map.person_id is null

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
