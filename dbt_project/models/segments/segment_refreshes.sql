{{ config(materialized='table') }}

{#- Whether a segment is sound is known once it is built and tested. -#}
{% for segment in var('segments') %}
-- depends_on: {{ ref(segment) }}
{% endfor %}

with outcomes as (

    {% for segment in var('segments') %}
    select '{{ segment }}' as segment, true as is_refreshed, cast(null as varchar) as failure
    union all
    {% endfor %}
    {% for segment in failed_segments() %}
    select '{{ segment }}' as segment, false as is_refreshed, {{ text_literal(failed_segments()[segment]) }} as failure
    union all
    {% endfor %}
    select cast(null as varchar) as segment, cast(null as boolean) as is_refreshed, cast(null as varchar) as failure
    where false

),

final as (

    select segment, is_refreshed, failure, {{ as_of() }} as built_at
    from outcomes

)

select * from final
