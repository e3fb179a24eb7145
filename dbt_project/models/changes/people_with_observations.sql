-- What was noted of those of whom nothing landed was seen when it happened: a partial refresh leaves it to the next.
{% if is_refresh_partial() %}
select person_id from {{ ref('changed_people') }}
-- depends_on: {{ ref('stg_segments__changes') }}, {{ ref('identity_map') }}, {{ ref('renamed_people') }}
-- depends_on: {{ ref('moved_people') }}, {{ ref('moved_before') }}, {{ ref('dirty_people') }}, {{ ref('identity_assignments') }}
{% elif is_refresh_incremental() %}
with changes as not materialized (

    select * from {{ ref('stg_segments__changes') }}
    where changed_at >= {{ since() }}

),

identity_map as not materialized (

    select * from {{ ref('identity_map') }}

),

renamed as not materialized (

    select * from {{ ref('renamed_people') }}

),

final as (

    select distinct person_id from changes
    union
    -- What the last refresh saw and nobody noted did not happen.
    select person_id from {{ before_refresh('segment_changes_now') }}
    union
    select person_id from {{ ref('moved_people') }}
    union
    select person_id from {{ ref('moved_before') }}
    union
    select person_id from {{ ref('dirty_people') }}
    union
    select identity_map.person_id
    from identity_map
    inner join renamed
        on {{ person_id('identity_map') }} = renamed.person_id
    union
    select person_id from {{ ref('identity_assignments') }}

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
