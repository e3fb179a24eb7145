{% if is_refresh_incremental() %}
-- depends_on: {{ ref('moved_before') }}
with assignments as (

    select * from {{ ref('identity_assignments') }}

),

earlier as (

    select identity_map.*
    from {{ before_refresh('identity_map') }} as identity_map
    inner join {{ ref('dirty_people') }} as dirty_people
        on identity_map.person_id = dirty_people.person_id

),

-- An identifier that was not there before has no acts but those that are news.
moves as (

    select earlier.person_id as left_person_id, assignments.person_id as joined_person_id
    from earlier
    left join assignments
        on
            earlier.identifier_type = assignments.identifier_type
            and earlier.identifier = assignments.identifier
    where assignments.person_id is distinct from earlier.person_id

),

final as (

    select left_person_id as person_id
    from moves
    union
    select joined_person_id
    from moves
    where joined_person_id is not null

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
