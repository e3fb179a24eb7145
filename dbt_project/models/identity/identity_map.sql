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
        md5(oldest.identifier_type || ':' || oldest.identifier) as person_id,
        identifiers.first_seen_at
    from identifiers
    inner join components
        on identifiers.node = components.node
    inner join identifiers as oldest
        on components.component = oldest.node

)

select * from final
