{#-
    What a table's columns promise, as one test and not as one for each column, for dbt takes as long for a test as for
    a table: the `key` is there and names one row; sets of columns are `unique`; columns are `not_null`, have only
    `accepted` values, and lie `between` two bounds. The rows that fail it say what is wrong and how often.
-#}
{% test sound(model, key=[], unique=[], not_null=[], accepted={}, between={}) %}
    {%- set promises = [] -%}
    {%- for column in key + not_null -%}
        {%- do promises.append((column ~ ' is null', column ~ ' is null')) -%}
    {%- endfor -%}
    {%- for column, values in accepted.items() -%}
        {%- do promises.append((column ~ ' is none of ' ~ values | join(', '), column ~ " not in ('" ~ values | join("', '") ~ "')")) -%}
    {%- endfor -%}
    {%- for column, bounds in between.items() -%}
        {%- do promises.append((column ~ ' is not from ' ~ bounds | join(' to '), '(' ~ column ~ ' < ' ~ bounds[0] ~ ' or ' ~ column ~ ' > ' ~ bounds[1] ~ ')')) -%}
    {%- endfor -%}
    {%- set queries = [] -%}
    {%- if promises -%}
        {%- set query -%}
            select unnest([
                {%- for words, condition in promises %}
                {problem: '{{ words }}', rows_count: count(*) filter (where {{ condition }})}{{ ',' if not loop.last }}
                {%- endfor %}
            ], recursive := true)
            from tested
        {%- endset -%}
        {%- do queries.append(query) -%}
    {%- endif -%}
    {%- for columns in ([key] if key else []) + unique -%}
        {#- Nulls are no doubles of one another, as in dbt's own test of one column. -#}
        {%- set names = [columns] if columns is string else columns -%}
        {%- set query -%}
            select '{{ names | join(', ') }} is not unique', coalesce(sum(copies), 0)::bigint
            from (
                select count(*) as copies from tested
                {% if names | length == 1 %}where {{ names[0] }} is not null{% endif %}
                group by {{ names | join(', ') }} having copies > 1
            ) as repeated
        {%- endset -%}
        {%- do queries.append(query) -%}
    {%- endfor -%}
    {#- Where only some rows are looked at, to find them once is cheaper; all of them are cheaper read twice. -#}
    with tested as {{ 'not ' if model is not string or 'dbt_subquery' not in model }}materialized (
        select * from {{ model }}
    )
    select problem, rows_count
    from ({{ queries | join('\nunion all\n') }}) as promises (problem, rows_count)
    where rows_count > 0
{% endtest %}

{#- The named columns together are unique; stands in for the test of a package that is not fetched. -#}
{% test unique_together(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as rows_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}

{#- No audit of an area has reached a level; the failing rows say in words what was found. -#}
{% test no_audit_at_level(model, area, level) %}
    select kind, subject, found_count, words
    from {{ model }}
    where area = '{{ area }}' and level = '{{ level }}'
{% endtest %}

{#-
    What a data test looks at: all rows that its `where` names. In an incremental refresh that is in haste (var
    `only_news_is_tested`) those of them that it wrote, as far as the table tells: by its column `_refresh`, by a time
    (meta `news_since`) after the last refresh, or by people (those that it wrote anew, or of the table that meta `news_of`
    names). The rest passed before, and is tested in full every night.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where')] if config.get('where') else [] -%}
    {%- if var('only_news_is_tested') and is_refresh_incremental() and execute -%}
        {%- if '_refresh' in marking_columns(relation) -%}
            {%- do conditions.append('_refresh = ' ~ refresh_number()) -%}
        {%- elif model_named(relation.identifier).config.get('meta', {}).get('news_since') -%}
            {%- do conditions.append(model_named(relation.identifier).config.meta.news_since ~ ' >= ' ~ since()) -%}
        {%- elif 'person_id' in marking_columns(relation) and written_people(relation.identifier) -%}
            {%- do conditions.append('person_id in (select person_id from ' ~ refresh_table(written_people(relation.identifier)) ~ ')') -%}
        {%- endif -%}
    {%- endif -%}
    {%- if conditions -%}
        (select * from {{ relation }} where {{ conditions | join(' and ') }}) dbt_subquery
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- Which of the columns that tell what a refresh wrote a table has; asked once in a run of dbt, for all tables. -#}
{% macro marking_columns(relation) -%}
    {%- if 'marking_columns' not in graph -%}
        {%- set rows = run_query("select schema_name || '.' || table_name, string_agg(column_name) from duckdb_columns() where column_name in ('_refresh', 'person_id') group by all").rows -%}
        {%- set found = {} -%}
        {%- for row in rows -%}{%- do found.update({row[0]: row[1].split(',')}) -%}{%- endfor -%}
        {%- do graph.update({'marking_columns': found}) -%}
    {%- endif -%}
    {{ return(graph['marking_columns'].get(relation.schema ~ '.' ~ relation.identifier, [])) }}
{%- endmacro %}

{#- The table with the people whose rows an incremental refresh writes anew in a model, where it goes by people. -#}
{% macro written_people(name) -%}
    {%- if model_named(name).config.get('meta', {}).get('news_of') -%}
        {{ return(model_named(name).config.meta.news_of) }}
    {%- endif -%}
    {%- for each in model_named(name).config.get('stale', []) if each.matching.get('person_id') == 'person_id' -%}
        {{ return(each.changes) }}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{#- A model of the project; for a source or a seed, one that says nothing of itself. -#}
{% macro model_named(name) -%}
    {{ return(graph.nodes.get('model.' ~ project_name ~ '.' ~ name, {'config': {}})) }}
{%- endmacro %}
