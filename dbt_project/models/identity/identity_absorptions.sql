{{ config(materialized='elder_rule') }}

with identifiers as (

    select * from {{ ref('identifiers') }}

),

edges as (

    select * from {{ ref('identity_edges') }}

),

components as (

    select * from {{ ref('identity_components') }}

),

-- Most identifiers are linked to an older one from their first record on: they never stood for a person alone.
attached_from_birth as (

    select greatest(edges.node, edges.neighbour) as node
    from edges
    inner join identifiers
        on greatest(edges.node, edges.neighbour) = identifiers.node
    where edges.linked_at <= identifiers.first_seen_at
    group by greatest(edges.node, edges.neighbour)

),

merged_components as (

    select components.component
    from components
    left join attached_from_birth
        on components.node = attached_from_birth.node
    where components.node <> components.component and attached_from_birth.node is null
    group by components.component

)

select edges.node, edges.neighbour, edges.linked_at
from edges
inner join components
    on edges.node = components.node
inner join merged_components
    on components.component = merged_components.component
