{% if is_refresh_incremental() %}
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

    (select * from seen except select * from noted)
    union all
    (select * from noted except select * from seen)

),

final as (

    select distinct person_id from differences

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
