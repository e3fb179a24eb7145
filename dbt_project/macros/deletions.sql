{#- Whether the connector that brought a row had deleted its key by as_of; true only of rows with `_file`. -#}
{% macro is_deleted_at_source(source_name, entity, key) -%}
    {%- set parts = [] -%}
    {%- for column in key -%}
        {%- do parts.append('cast(' ~ column ~ ' as varchar)') -%}
    {%- endfor -%}
    {#- Never asked row by row: what `exists` compares to an expression is looked up for each distinct key. -#}
    coalesce(
        ({{ dbt.split_part('_file', "'/'", 3) }}, {{ parts | join(" || '|' || ") }}) in (
            select (deletions.connector, deletions.key)
            from {{ ref('stg_landing__deletions') }} as deletions
            where deletions.source = '{{ source_name }}' and deletions.entity = '{{ entity }}'
        ),
        false
    )
{%- endmacro %}
