with changes as (

    select * from {{ source('raw', 'deletions') }}
    where seen_at <= {{ as_of() }} and {{ known('seen_at') }}

),

ranked as (

    select
        *,
        row_number() over (partition by source, entity, connector, key order by snapshot_id desc) as recency
    from changes

),

final as (

    select source, entity, connector, key, snapshot_id, seen_at as deleted_at
    from ranked
    where recency = 1 and is_deleted

)

select * from final
