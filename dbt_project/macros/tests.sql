{#- The named columns together are unique; stands in for the test of a package that is not fetched. -#}
{% test unique_together(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as rows_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}

{#- A column lies between two bounds, nulls apart. -#}
{% test between(model, column_name, low, high) %}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} < {{ low }} or {{ column_name }} > {{ high }}
{% endtest %}

{#- No audit of an area has reached a level; the failing rows say in words what was found. -#}
{% test no_audit_at_level(model, area, level) %}
    select kind, subject, found_count, words
    from {{ model }}
    where area = '{{ area }}' and level = '{{ level }}'
{% endtest %}

{#-
    What a data test looks at: all rows that its `where` names. In an incremental refresh that is in haste (var
    `only_news_is_tested`) those of them that it wrote: the rest passed before, and is tested in full every night.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where')] if config.get('where') else [] -%}
    {%- if var('only_news_is_tested') and is_refresh_incremental() and execute -%}
        {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
        {%- if '_refresh' in columns -%}
            {%- do conditions.append('_refresh = ' ~ refresh_number()) -%}
        {%- elif 'person_id' in columns and written_people(relation.identifier) -%}
            {%- do conditions.append('person_id in (select person_id from ' ~ refresh_table(written_people(relation.identifier)) ~ ')') -%}
        {%- endif -%}
    {%- endif -%}
    {%- if conditions -%}
        (select * from {{ relation }} where {{ conditions | join(' and ') }}) dbt_subquery
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- The table with the people whose rows an incremental refresh writes anew in a model, where it goes by people. -#}
{% macro written_people(name) -%}
    {%- set node = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | first -%}
    {%- for each in node.config.get('stale', []) if node and each.matching.get('person_id') == 'person_id' -%}
        {{ return(each.changes) }}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}
