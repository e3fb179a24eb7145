{% set previous = load_relation(this) if execute else none %}
with members as (

    {% for segment in var('segments') %}
    select '{{ segment }}' as segment, person_id from {{ ref(segment) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select cast(null as varchar) as segment, cast(null as varchar) as person_id
    where false
    {% endfor %}

),

final as (

    select
        members.segment,
        members.person_id,
        {% if previous %}
        coalesce(earlier.member_since, {{ as_of() }}) as member_since
        {% else %}
        {{ as_of() }} as member_since
        {% endif %}
    from members
    {% if previous %}
    left join {{ previous }} as earlier
        on
            members.segment = earlier.segment
            and members.person_id = earlier.person_id
            and earlier.member_since <= {{ as_of() }}
    {% endif %}

)

select * from final
