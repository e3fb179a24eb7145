with candidates as (

    select * from {{ ref('candidate_tenures') }}

),

{% if is_refresh_incremental() %}
-- Of the devices that were looked at, as the last refresh left them.
earlier as (

    select *
    from {{ before_refresh('device_tenures') }}
    where anonymous_id in (select anonymous_id from {{ ref('changed_devices') }})

),

differing as (

    select anonymous_id
    from (
        (select * from candidates except select * from earlier)
        union all
        (select * from earlier except select * from candidates)
    ) as differences

),

-- A device without a tenure goes by its own id, as its first tenure does.
final as (

    select distinct differing.anonymous_id, 'anonymous_id' as identifier_type, tenures.tenure_id
    from differing
    inner join (
        select anonymous_id, tenure_id from candidates
        union
        select anonymous_id, tenure_id from earlier
        union
        select anonymous_id, anonymous_id from differing
    ) as tenures
        on differing.anonymous_id = tenures.anonymous_id

)
{% else %}
final as (

    select anonymous_id, 'anonymous_id' as identifier_type, tenure_id
    from candidates
    where false

)
{% endif %}

select * from final
