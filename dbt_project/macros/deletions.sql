{#- Whether the connector that brought a row had deleted its key by as_of; true only of rows with `_file`. -#}
{% macro is_deleted_at_source(source_name, entity, key) -%}
    {%- set parts = [] -%}
    {%- for column in key -%}
        {%- do parts.append('cast(' ~ column ~ ' as varchar)') -%}
    {%- endfor -%}
    exists (
        select 1
        from {{ ref('stg_landing__deletions') }} as deletions
        where
            deletions.source = '{{ source_name }}'
            and deletions.entity = '{{ entity }}'
            and deletions.connector = {{ dbt.split_part('_file', "'/'", 3) }}
            and deletions.key = {{ parts | join(" || '|' || ") }}
    )
{%- endmacro %}
