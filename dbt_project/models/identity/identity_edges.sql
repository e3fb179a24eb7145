with identifiers as (

    select * from {{ ref('identifiers') }}

),

links as (

    select * from {{ ref('identifier_links') }}

),

-- A till's phone says nothing about who a person is.
shared as (

    select distinct type_b, identifier_b
    from (
        select links.type_a, links.type_b, links.identifier_b
        from links
        inner join identifiers
            on links.type_b = identifiers.identifier_type and links.identifier_b = identifiers.identifier
        where links.type_b <> 'contact_id'
        group by links.type_a, links.type_b, links.identifier_b
        having count(*) > {{ var('max_contacts_per_identifier') }}
    ) as crowds

),

final as (

    select
        one.node,
        other.node as neighbour,
        links.first_seen_at as linked_at
    from links
    left join shared
        on links.type_b = shared.type_b and links.identifier_b = shared.identifier_b
    inner join identifiers as one
        on links.type_a = one.identifier_type and links.identifier_a = one.identifier
    inner join identifiers as other
        on links.type_b = other.identifier_type and links.identifier_b = other.identifier
    where shared.identifier_b is null

)

select * from final
