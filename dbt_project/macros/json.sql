{#- Text that holds a JSON object, else null. -#}
{% macro json_object_or_null(text) -%}
    {{ adapter.dispatch('json_of_type')(text, 'OBJECT') }}
{%- endmacro %}

{#- Text that holds a JSON list, else null. -#}
{% macro json_list_or_null(text) -%}
    {{ adapter.dispatch('json_of_type')(text, 'ARRAY') }}
{%- endmacro %}

{% macro default__json_of_type(text, type) -%}
    case
        when json_type(case when json_valid({{ text }}) then {{ text }} end) = '{{ type }}' then {{ text }}
    end
{%- endmacro %}

{#- A JSON object of the given pairs (name, expression), without those that are null; null when none is left. -#}
{% macro json_without_nulls(pairs) -%}
    {{ adapter.dispatch('json_without_nulls')(pairs) }}
{%- endmacro %}

{% macro default__json_without_nulls(pairs) -%}
    nullif(cast(json_merge_patch('{}', json_object(
        {%- for name, expression in pairs %}
        '{{ name }}', {{ expression }}{{ ',' if not loop.last }}
        {%- endfor %}
    )) as varchar), '{}')
{%- endmacro %}

{#- One JSON object over another: where both have a name, the second's value stands. -#}
{% macro json_merged(under, over) -%}
    cast(json_merge_patch(coalesce({{ under }}, '{}'), coalesce({{ over }}, '{}')) as varchar)
{%- endmacro %}

{#- The texts at several paths of one JSON text, as a list in their order, with one reading of it. -#}
{% macro json_texts(text, paths) -%}
    {{ adapter.dispatch('json_texts')(text, paths) }}
{%- endmacro %}

{% macro default__json_texts(text, paths) -%}
    json_extract_string({{ text }}, ['$.{{ paths | join("', '$.") }}'])
{%- endmacro %}

{#- The items of a column's JSON list, one row each, with their place from 1; a text that is no list has none. -#}
{% macro json_items(relation, key, column, item, place) -%}
    {{ adapter.dispatch('json_items')(relation, key, column, item, place) }}
{%- endmacro %}

{% macro default__json_items(relation, key, column, item, place) -%}
    select
        {{ key }},
        unnest(items) as {{ item }},
        generate_subscripts(items, 1) as {{ place }}
    from (
        select {{ key }}, from_json({{ json_list_or_null(column) }}, '["varchar"]') as items
        from {{ relation }}
    ) as lists
{%- endmacro %}
