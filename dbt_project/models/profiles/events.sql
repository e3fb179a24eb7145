with received as (

    select * from {{ ref('stg_crm__events') }}

),

time_zones as (

    {{ known_time_zones() }}

),

latest as (

    select *
    from received
    qualify
        row_number() over (
            partition by event_id
            order by updated_at desc nulls last, _landed_at desc, _load_id desc, _row desc
        ) = 1

),

final as (

    select
        latest.event_id,
        latest.name,
        lower(latest.topic) as topic,
        latest.city,
        latest.region,
        latest.country,
        time_zones.timezone,
        latest.url,
        latest.capacity,
        latest.registered_count,
        latest.is_cancelled,
        not latest.is_cancelled
        and latest.starts_at > {{ as_of() }}
        and coalesce(coalesce(latest.registered_count, 0) < latest.capacity, true) as is_open,
        latest.starts_at,
        latest.ends_at,
        latest.updated_at
    from latest
    left join time_zones
        on latest.timezone = time_zones.timezone

)

select * from final
