with loads as (

    select * from {{ source('raw', 'loads') }}
    where status = 'landed' and {{ known('landed_at') }}

),

reconciliation as (

    select * from {{ ref('load_reconciliation') }}

),

-- One run gives all files of an entity that it lands the same instant: that is a landing.
landings as (

    select
        loads.source || '_' || loads.entity as entity,
        loads.landed_at,
        sum(reconciliation.rows_received) as rows_count,
        sum(reconciliation.rows_quarantined) as rows_quarantined,
        sum(reconciliation.rows_duplicate) as rows_duplicate,
        row_number() over (partition by loads.source, loads.entity order by loads.landed_at) as landing_number,
        row_number() over (partition by loads.source, loads.entity order by loads.landed_at desc) = 1 as is_newest
    from loads
    inner join reconciliation
        on loads.load_id = reconciliation.load_id
    group by loads.source, loads.entity, loads.landed_at

),

{#- Completeness is measured on the text as received: staging gives a missing currency or status its default. -#}
{% for source_name, entity in entities() %}
{% set columns = content_columns(received(source_name, entity))[1:] %}
{% if columns %}
filled_{{ source_name }}_{{ entity }} as (

    select
        _landed_at as landed_at,
        count(*) as rows_count,
        {% for column in columns %}
        count(nullif(trim(cast({{ column }} as varchar)), '')) as filled_{{ loop.index }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ received(source_name, entity) }}
    group by _landed_at

),

{% endif %}
{% endfor %}
{% for entity, keys in entity_keys().items() %}
keys_{{ entity }} as (

    select landed_at, sum(rows_count) as rows_count, count(*) as keys_count
    from (
        select _landed_at as landed_at, {{ keys | join(', ') }}, count(*) as rows_count
        from {{ ref('base_' ~ entity | replace('_', '__', 1)) }}
        where _refusal is null and _copy_number = 1
        group by _landed_at, {{ keys | join(', ') }}
    ) as keyed
    group by landed_at

),

{% endfor %}
measured as (

    select
        entity,
        'refused' as measure,
        cast(null as varchar) as column_name,
        landed_at,
        rows_count,
        rows_quarantined as counted
    from landings
    union all
    select entity, 'repeated', null, landed_at, rows_count, rows_duplicate
    from landings
    {% for source_name, entity in entities() %}
    {% for column in content_columns(received(source_name, entity))[1:] %}
    union all
    select
        '{{ source_name }}_{{ entity }}', 'completeness', '{{ column | replace('"', '') }}',
        landed_at, rows_count, filled_{{ loop.index }}
    from filled_{{ source_name }}_{{ entity }}
    {% endfor %}
    {% endfor %}
    {% for entity, keys in entity_keys().items() %}
    union all
    select '{{ entity }}', 'uniqueness', '{{ keys | join(", ") }}', landed_at, rows_count, keys_count
    from keys_{{ entity }}
    {% endfor %}

),

final as (

    select
        measured.entity,
        measured.measure,
        measured.column_name,
        measured.landed_at,
        landings.landing_number,
        landings.is_newest,
        cast(measured.rows_count as bigint) as rows_count,
        measured.counted / nullif(cast(measured.rows_count as double), 0) as share
    from measured
    inner join landings
        on measured.entity = landings.entity and measured.landed_at = landings.landed_at

)

select * from final
