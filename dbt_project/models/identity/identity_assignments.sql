with identifiers as (

    select * from {{ ref('identifiers') }}

),

components as (

    select * from {{ ref('identity_components') }}

),

final as (

    select
        identifiers.identifier_type,
        identifiers.identifier,
        {{ person_id('oldest') }} as person_id,
        identifiers.first_seen_at
    from identifiers
    left join components
        on identifiers.node = components.node
    inner join identifiers as oldest
        on coalesce(components.component, identifiers.node) = oldest.node

)

select * from final
