-- Whom a partial refresh puts together anew have changed anyway.
-- depends_on: {{ ref('segment_observed_changes') }}
{% if is_refresh_incremental() and not is_refresh_partial() %}
with seen as (

    select segment, person_id, change, changed_at
    from {{ before_refresh('segment_changes_now') }}

),

noted as (

    select segment, person_id, change, changed_at
    from {{ ref('segment_observed_changes') }}
    where changed_at >= {{ since() }}

),

differences as (

    select seen.person_id
    from seen
    anti join noted
        on
            seen.segment = noted.segment
            and seen.person_id = noted.person_id
            and seen.change = noted.change
            and seen.changed_at = noted.changed_at
    union all
    select noted.person_id
    from noted
    anti join seen
        on
            noted.segment = seen.segment
            and noted.person_id = seen.person_id
            and noted.change = seen.change
            and noted.changed_at = seen.changed_at

),

final as (

    select distinct person_id from differences

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
