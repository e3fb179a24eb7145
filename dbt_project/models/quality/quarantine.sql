with rejects as (

    select * from {{ source('raw', 'rejects') }}
    where {{ known('landed_at') }}

),

loads as (

    select * from {{ source('raw', 'loads') }}
    where status = 'landed' and {{ known('landed_at') }}

),

-- A file that was corrected and landed again stands for its earlier versions.
newest_loads as (

    select load_id
    from loads
    qualify row_number() over (partition by file order by landed_at desc, load_id) = 1

),

{% for source_name, entity in entities() %}
{{ source_name }}_{{ entity }} as (

    select
        '{{ source_name }}' as source,
        '{{ entity }}' as entity,
        base._file as file,
        base._row as row_number,
        base._refusal as reason,
        cast({{ row_as_json(received(source_name, entity), 'received') }} as varchar) as row_json,
        base._load_id as load_id,
        base._landed_at as landed_at,
        base._copy_number as copy_number
    from {{ ref('base_' ~ source_name ~ '__' ~ entity) }} as base
    inner join {{ received(source_name, entity) }} as received
        on base._load_id = received._load_id and base._row = received._row
    where base._refusal is not null

),

{% endfor %}
refused as (

    {% for source_name, entity in entities() %}
    select * from {{ source_name }}_{{ entity }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- An exact repeat is counted once, and is open while the newest version of any file has it.
still_there as (

    select distinct refused.source, refused.entity, refused.row_json
    from refused
    inner join newest_loads
        on refused.load_id = newest_loads.load_id

),

final as (

    select
        refused.source,
        refused.entity,
        refused.file,
        refused.row_number,
        refused.reason,
        refused.row_json,
        refused.load_id,
        refused.landed_at,
        still_there.row_json is not null as is_open
    from refused
    left join still_there
        on
            refused.source = still_there.source
            and refused.entity = still_there.entity
            and refused.row_json = still_there.row_json
    where refused.copy_number = 1
    union all
    select
        rejects.source,
        rejects.entity,
        rejects.file,
        rejects.row_number,
        rejects.reason,
        cast(to_json(rejects.row_text) as varchar),
        rejects.load_id,
        rejects.landed_at,
        newest_loads.load_id is not null
    from rejects
    left join newest_loads
        on rejects.load_id = newest_loads.load_id

)

select * from final
