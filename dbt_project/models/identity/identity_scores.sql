{{ config(materialized='view') }}

{% if var('probabilistic_matching') %}
select
    contact_id_a,
    contact_id_b,
    match_probability,
    match_weight,
    first_name_level,
    last_name_level,
    birth_date_level,
    city_level,
    phone_level,
    local_part_level
from {{ source('ml', 'identity_matches') }}
{% else %}
-- Off: nobody was compared.
select
    cast(null as varchar) as contact_id_a,
    cast(null as varchar) as contact_id_b,
    cast(null as double) as match_probability,
    cast(null as double) as match_weight,
    cast(null as varchar) as first_name_level,
    cast(null as varchar) as last_name_level,
    cast(null as varchar) as birth_date_level,
    cast(null as varchar) as city_level,
    cast(null as varchar) as phone_level,
    cast(null as varchar) as local_part_level
where 1 = 0
{% endif %}
