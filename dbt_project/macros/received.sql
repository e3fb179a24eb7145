{#-
    The received rows of an entity, each with `_content` (a hash of what was received), `_copy_number` (1 for the
    first of exact repeats, whatever load they came with) and `_refresh`. An incremental refresh takes the rows of new
    loads, and those of old ones whose refusal in `revived` (a reason) may hold no longer.

    Of the rows that are read, only those whose hash is repeated are compared column by column; a row of a new load is
    taken for a repeat of an older one when their hashes (64 bits) agree.
-#}
{% macro received_rows(relation, revived=none) -%}
    {%- set columns = content_columns(relation) -%}
    (
        with received as {{ read_anew() }} (

            select *, hash({{ columns | join(', ') }}) as _content
            from {{ relation }}
            where {{ known() }}
            {%- if is_incremental() %}
                and _load_id in ({{ new_loads() }})
            {%- if revived %}
            union all by name
            select raw_rows.*, hash({% for column in columns %}raw_rows.{{ column }}{{ ', ' if not loop.last }}{% endfor %}) as _content
            from {{ relation }} as raw_rows
            inner join {{ this }} as refused
                on raw_rows._load_id = refused._load_id and raw_rows._row = refused._row
            where refused._refusal = '{{ revived }}'
            {%- endif %}
            {%- endif %}

        ),

        repeated as (

            select _content
            from received
            group by _content
            having count(*) > 1
            {%- if is_incremental() %}
            union
            select _content
            from {{ this }}
            where _content in (select received._content from received)
            {%- endif %}

        )

        select received.*, 1 as _copy_number, {{ refresh_number() }} as _refresh
        from received
        where received._content not in (select repeated._content from repeated)
        union all
        select
            received.*,
            {{ copy_number_of(columns) }}
            {%- if is_incremental() %}
            + coalesce((
                select count(*)
                from {{ this }} as earlier
                where
                    earlier._content = received._content
                    {%- if revived %} and earlier._refusal is distinct from '{{ revived }}'{% endif %}
            ), 0)
            {%- endif %} as _copy_number,
            {{ refresh_number() }} as _refresh
        from received
        where received._content in (select repeated._content from repeated)
    )
{%- endmacro %}

{#-
    Says of a CTE over all rows that each use of it reads them anew: to keep millions of rows for the second use takes
    longer than to read them twice, and more memory than there is. An incremental refresh reads few, and keeps them.
-#}
{% macro read_anew() -%}
    {{ return('' if is_incremental() else 'not materialized') }}
{%- endmacro %}

{#- The refresh that was the first to see a row, of a table that is made anew each time: the present one or an older. -#}
{% macro refresh_of_load() -%}
    {%- if is_refresh_incremental() -%}
        case when _load_id in ({{ new_loads() }}) then {{ refresh_number() }} else 0 end
    {%- else -%}
        {{ refresh_number() }}
    {%- endif -%}
{%- endmacro %}

{#-
    Hashes (`key_hash`) of the keys that more than one row of a CTE has, and by chance of one or two others: who reads it
    compares the few rows that are left. Counting numbers is cheaper than counting texts.
-#}
{% macro repeated_hashes(relation, key) -%}
    select hash({{ key | join(', ') }}) as key_hash
    from {{ relation }}
    group by key_hash
    having count(*) > 1
{%- endmacro %}

{#-
    The rows of a CTE, each with `copy_number` among those of the same key, in the given order. Only rows whose key is
    repeated are sorted: most are not.
-#}
{% macro numbered_copies(relation, key, order) -%}
    (
        with repeated_hashes as (

            {{ repeated_hashes(relation, key) }}

        ),

        repeated as (

            select {{ key | join(', ') }}
            from {{ relation }}
            where hash({{ key | join(', ') }}) in (select repeated_hashes.key_hash from repeated_hashes)
            group by {{ key | join(', ') }}
            having count(*) > 1

        )

        select {{ relation }}.*, 1 as copy_number
        from {{ relation }}
        anti join repeated using ({{ key | join(', ') }})
        union all
        select {{ relation }}.*, row_number() over (partition by {{ key | join(', ') }} order by {{ order }}) as copy_number
        from {{ relation }}
        semi join repeated using ({{ key | join(', ') }})
    )
{%- endmacro %}
