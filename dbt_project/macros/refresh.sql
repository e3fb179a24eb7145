{#-
    Refreshes. A build either makes every table anew (full), or only what has changed since the last one
    (incremental): rows that landed since, rows whose time has come, and people whose windows of time moved.

    `core.refreshes` has a row per refresh; a refresh may take several runs of dbt, each of which builds a part of
    the models. It is incremental only when that gives the same rows as a full one would: the last refresh was
    completed, under the same project, and nothing happened since that takes received rows away. In doubt it is full.
-#}
{% macro begin_refresh() %}
    {%- if not execute or flags.WHICH not in ('build', 'run') -%}{{ return('') }}{%- endif -%}
    {%- set selected = incremental_models(selected_resources) -%}
    {%- if not selected -%}{{ return('') }}{%- endif -%}
    {% do run_query('create schema if not exists ' ~ refresh_schema()) %}
    {% do run_query('create table if not exists ' ~ refresh_table('refreshes') ~ ' (
        refresh bigint, as_of timestamp, known_at varchar, project varchar, deletions_count bigint, mode varchar,
        since timestamp, is_complete boolean)') %}
    {% do run_query('create table if not exists ' ~ refresh_table('refresh_loads') ~ ' (load_id varchar, refresh bigint)') %}
    {% do run_query('create table if not exists ' ~ refresh_table('refresh_models') ~ ' (model varchar, refresh bigint)') %}
    {%- set last = last_refresh() -%}
    {%- if not (last and continues(last, selected)) -%}
        {% do run_query('insert into ' ~ refresh_table('refreshes') ~ ' values (' ~ [
            (last.refresh if last else 0) + 1, as_of(), "'" ~ var('known_at', '') ~ "'", "'" ~ var('project', '') ~ "'",
            deletions_count(), "'incremental'" if may_be_incremental(last) else "'full'",
            "timestamp '" ~ last.as_of ~ "'" if last else 'null', false,
        ] | join(', ') ~ ')') %}
        {% do run_query('insert into ' ~ refresh_table('refresh_loads') ~ '
            select load_id, ' ~ ((last.refresh if last else 0) + 1) ~ ' from (' ~ unseen_loads() ~ ') as unseen') %}
    {%- endif -%}
{% endmacro %}

{#- The refresh is complete once every incremental model has been built in it. -#}
{% macro end_refresh() %}
    {%- if not execute or flags.WHICH not in ('build', 'run') or not incremental_models(selected_resources) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set last = last_refresh() -%}
    {%- set built = run_query('select model from ' ~ refresh_table('refresh_models') ~ ' where refresh = ' ~ last.refresh).columns[0].values() -%}
    {%- set missing = [] -%}
    {%- for model in incremental_models(graph.nodes.keys()) if model not in built -%}
        {%- do missing.append(model) -%}
    {%- endfor -%}
    {%- if not missing -%}
        {% do run_query('update ' ~ refresh_table('refreshes') ~ ' set is_complete = true where refresh = ' ~ last.refresh) %}
        {% do run_query('delete from ' ~ refresh_table('refreshes') ~ ' where refresh < ' ~ (last.refresh - 1000)) %}
        {% do run_query('delete from ' ~ refresh_table('refresh_models') ~ ' where refresh < ' ~ last.refresh) %}
    {%- endif -%}
{% endmacro %}

{#- Every model's post-hook: notes an incremental model as built, in the transaction that built it. -#}
{% macro record_refreshed() -%}
    {%- if execute and config.get('materialized') == 'incremental' -%}
        insert into {{ refresh_table('refresh_models') }} values ('{{ model.unique_id }}', {{ refresh_number() }})
    {%- endif -%}
{%- endmacro %}

{#- A full refresh, here and for dbt's own materialization: the flag alone does not decide. -#}
{% macro should_full_refresh() %}
    {{ return(not is_refresh_incremental()) }}
{% endmacro %}

{% macro is_refresh_incremental() %}
    {%- if not execute or flags.WHICH not in ('build', 'run') -%}{{ return(false) }}{%- endif -%}
    {{ return(last_refresh().mode == 'incremental') }}
{% endmacro %}

{#- The number of the refresh under way; what it writes carries it. -#}
{% macro refresh_number() %}
    {%- if not execute or flags.WHICH not in ('build', 'run') -%}{{ return(0) }}{%- endif -%}
    {{ return(last_refresh().refresh) }}
{% endmacro %}

{#- The as_of of the last refresh, as SQL; what has a later time was not seen by it. -#}
{% macro since() -%}
    timestamp '{{ last_refresh().since }}'
{%- endmacro %}

{#- Whether a staged row is news to an incremental refresh: it was written in it, or its time has come since. -#}
{% macro is_news(relation, time) -%}
    ({{ relation }}._refresh = {{ refresh_number() }} or {{ relation }}.{{ time }} > {{ since() }})
{%- endmacro %}

{#- The loads that the refresh under way is the first to see. -#}
{% macro new_loads() -%}
    select load_id from {{ refresh_table('refresh_loads') }} where refresh = {{ refresh_number() }}
{%- endmacro %}

{#-
    dbt's incremental strategy `refresh`: deletes the rows whose key a table of changes names (config `stale`, a list
    of [table, column, …]: the columns are the same on both sides) or whose unique_key is written anew, and inserts.
-#}
{% macro get_incremental_refresh_sql(arguments) %}
    {%- set target = arguments.target_relation -%}
    {%- set keys = arguments.unique_key -%}
    {%- for changes in config.get('stale', []) %}
    delete from {{ target }}
    where ({{ changes[1:] | join(', ') }}) in (
        select {% if changes | length > 2 %}({{ changes[1:] | join(', ') }}){% else %}{{ changes[1] }}{% endif %}
        from {{ api.Relation.create(database=target.database, schema=refresh_schema(), identifier=changes[0]) }}
    );
    {%- endfor %}
    {%- if keys %}
    {%- set keys = [keys] if keys is string else keys %}
    delete from {{ target }} as old
    where exists (
        select 1 from {{ arguments.temp_relation }} as new
        where {% for key in keys %}old.{{ key }} is not distinct from new.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
    );
    {%- endif %}
    insert into {{ target }} by name select * from {{ arguments.temp_relation }}
{% endmacro %}

{#- What follows serves the macros above. -#}
{% macro refresh_schema() -%}
    {{ return(target.schema) }}
{%- endmacro %}

{% macro refresh_table(name) -%}
    {{ return(api.Relation.create(database=target.database, schema=refresh_schema(), identifier=name)) }}
{%- endmacro %}

{% macro incremental_models(unique_ids) %}
    {%- set found = [] -%}
    {%- for unique_id in unique_ids if unique_id in graph.nodes and graph.nodes[unique_id].config.materialized == 'incremental' -%}
        {%- do found.append(unique_id) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- The newest refresh as a row, none before the first. -#}
{% macro last_refresh() %}
    {%- set rows = run_query(
        'select refresh, as_of, known_at, project, deletions_count, mode, since, is_complete from ' ~ refresh_table('refreshes')
        ~ ' order by refresh desc limit 1'
    ).rows -%}
    {{ return(rows[0] if rows else none) }}
{% endmacro %}

{#- Whether this run of dbt builds other models of the refresh that is under way. -#}
{% macro continues(last, selected) %}
    {%- if last.is_complete or last.project != var('project', '') or last.known_at != var('known_at', '')
        or last.deletions_count != deletions_count() or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {%- if run_query("select timestamp '" ~ last.as_of ~ "' <> " ~ as_of()).columns[0].values()[0]
        or run_query('select count(*) from (' ~ unseen_loads() ~ ') as unseen').columns[0].values()[0] -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set built = run_query('select model from ' ~ refresh_table('refresh_models') ~ ' where refresh = ' ~ last.refresh).columns[0].values() -%}
    {%- for model in selected if model in built -%}
        {{ return(false) }}
    {%- endfor -%}
    {{ return(true) }}
{% endmacro %}

{% macro may_be_incremental(last) %}
    {%- if not last or not last.is_complete or flags.FULL_REFRESH or not var('project', '') or last.project != var('project', '')
        or last.known_at or var('known_at', '') or last.deletions_count != deletions_count() or var('probabilistic_matching') -%}
        {{ return(false) }}
    {%- endif -%}
    {%- for source_name, entity in third_party_entities() -%}
        {%- set relation = load_relation(source('raw', source_name ~ '_' ~ entity)) -%}
        {%- if relation and '_load_id' not in (adapter.get_columns_in_relation(relation) | map(attribute='name') | list) -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(run_query("select timestamp '" ~ last.as_of ~ "' <= " ~ as_of()).columns[0].values()[0]) }}
{% endmacro %}

{#- Of the keys that vanished from their sources, those that count at as_of. -#}
{% macro deletions_count() %}
    {{ return(run_query('select count(*) from ' ~ source('raw', 'deletions') ~ ' where seen_at <= ' ~ as_of()).columns[0].values()[0]) }}
{% endmacro %}

{% macro unseen_loads() -%}
    select distinct load_id from {{ source('raw', 'loads') }} where status = 'landed' and load_id not in (
        select load_id from {{ refresh_table('refresh_loads') }}
    )
{%- endmacro %}
