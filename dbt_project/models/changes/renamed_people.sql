-- Mostly nobody, which only a table says beforehand: or else the ids of all identifiers are worked out to look for them.
-- Whoever lost their id in this refresh or in the one before is among the moved ones, and so is whoever took them in.
-- A partial refresh asks for none.
-- depends_on: {{ ref('stg_segments__changes') }}, {{ ref('identity_map') }}, {{ ref('moved_people') }}, {{ ref('moved_before') }}
{% if is_refresh_incremental() and not is_refresh_partial() %}
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
    where
        identity_map.person_id is null
        and changes.person_id not in (select moved_people.person_id from {{ ref('moved_people') }} as moved_people)
        and changes.person_id not in (select moved_before.person_id from {{ ref('moved_before') }} as moved_before)

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
