{{ config(materialized='connected_components') }}

select node, neighbour
from {{ ref('identity_edges') }}
