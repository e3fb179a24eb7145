with loads as (

    select * from {{ source('raw', 'loads') }}
    where status = 'landed' and {{ known('landed_at') }}

),

{% for source_name, entity in entities() %}
{{ source_name }}_{{ entity }} as (

    select
        _load_id as load_id,
        count(*) filter (where _copy_number = 1 and _refusal is null) as rows_staged,
        count(*) filter (where _copy_number = 1 and _refusal is not null) as rows_quarantined,
        count(*) filter (where _copy_number > 1) as rows_duplicate
    from {{ ref('base_' ~ source_name ~ '__' ~ entity) }}
    group by _load_id

),

{% endfor %}
counted as (

    {% for source_name, entity in entities() %}
    select * from {{ source_name }}_{{ entity }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        loads.load_id,
        loads.source,
        loads.entity,
        loads.file,
        loads.rows_received,
        coalesce(counted.rows_staged, 0) as rows_staged,
        coalesce(counted.rows_quarantined, 0) + loads.rows_rejected as rows_quarantined,
        coalesce(counted.rows_duplicate, 0) as rows_duplicate,
        loads.landed_at
    from loads
    left join counted
        on loads.load_id = counted.load_id

)

select * from final
