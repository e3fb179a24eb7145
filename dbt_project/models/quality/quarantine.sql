with rejects as (

    select * from {{ source('raw', 'rejects') }}

),

{% for source_name, entity in entities() %}
{{ source_name }}_{{ entity }} as (

    select
        '{{ source_name }}' as source,
        '{{ entity }}' as entity,
        base._file as file,
        base._row as row_number,
        base._refusal as reason,
        cast({{ row_as_json(source('raw', source_name ~ '_' ~ entity), 'received') }} as varchar) as row_json,
        base._load_id as load_id,
        base._landed_at as landed_at
    from {{ ref('base_' ~ source_name ~ '__' ~ entity) }} as base
    inner join {{ source('raw', source_name ~ '_' ~ entity) }} as received
        on base._load_id = received._load_id and base._row = received._row
    where base._refusal is not null and base._copy_number = 1

),

{% endfor %}
final as (

    select
        source, entity, file, row_number, reason, cast(to_json(row_text) as varchar) as row_json, load_id, landed_at
    from rejects
    {% for source_name, entity in entities() %}
    union all
    select * from {{ source_name }}_{{ entity }}
    {% endfor %}

)

select * from final
