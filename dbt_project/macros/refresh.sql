{#-
    Refreshes. A build either makes every table anew (full), or only what has changed since the last one
    (incremental): rows that landed since, rows whose time has come, and people whose windows of time moved. What a
    trigger asks for (partial, var `is_partial`) is an incremental one that leaves out what only time has changed: the
    people of whom nothing landed stay as the last refresh but a partial one left them, until the next.

    `core.refreshes` has a row per refresh; a refresh may take several runs of dbt, each of which builds a part of
    the models. It is incremental only when that gives the same rows as a full one would: the last refresh was
    completed, under the same project, and nothing happened since that takes received rows away. In doubt it is full.
-#}
{% macro begin_refresh() %}
    {%- if not execute or flags.WHICH not in ('build', 'run') -%}{{ return('') }}{%- endif -%}
    {%- set selected = incremental_models(selected_resources) -%}
    {%- if not selected -%}{{ return('') }}{%- endif -%}
    {%- set last = last_refresh() if has_refreshed() else none -%}
    {%- if last and continues(last, selected) -%}{{ return('') }}{%- endif -%}
    {%- set number = (last.refresh if last else 0) + 1 -%}
    {%- set unseen, deletions, since = unseen_loads(last), deletions_count(), last_in_time() if last else none -%}
    {%- set mode = ('partial' if var('is_partial') else 'incremental') if may_be_incremental(last) else 'full' -%}
    {#- Asking began a transaction, and dbt rolls it back after a hook. -#}
    {%- do adapter.commit() -%}
    create schema if not exists {{ refresh_schema() }};
    create table if not exists {{ refresh_table('refreshes') }} (
        refresh bigint, as_of timestamp, known_at varchar, project varchar, deletions_count bigint, mode varchar,
        since timestamp, is_complete boolean
    );
    create table if not exists {{ refresh_table('refresh_loads') }} (load_id varchar, refresh bigint);
    create table if not exists {{ refresh_table('refresh_models') }} (model varchar, refresh bigint);
    insert into {{ refresh_table('refresh_loads') }}
    select load_id, {{ number }} from ({{ unseen }}) as unseen;
    insert into {{ refresh_table('refreshes') }}
    values (
        {{ number }}, {{ as_of() }}, '{{ var("known_at", "") }}', '{{ var("project", "") }}', {{ deletions }}, '{{ mode }}',
        {% if since %}timestamp '{{ since }}'{% else %}null{% endif %}, false
    )
{% endmacro %}

{#- The refresh is complete once every incremental model has been built in it. -#}
{% macro end_refresh() %}
    {%- if not execute or flags.WHICH not in ('build', 'run') or not incremental_models(selected_resources) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set last = last_refresh() -%}
    {%- set built = run_query('select model from ' ~ refresh_table('refresh_models') ~ ' where refresh = ' ~ last.refresh).columns[0].values() -%}
    {%- for model in incremental_models(graph.nodes.keys()) if model not in built -%}
        {{ return('') }}
    {%- endfor -%}
    {%- do adapter.commit() -%}
    update {{ refresh_table('refreshes') }} set is_complete = true where refresh = {{ last.refresh }};
    delete from {{ refresh_table('refreshes') }} where refresh < {{ last.refresh - 1000 }};
    delete from {{ refresh_table('refresh_models') }} where refresh < {{ last.refresh }}
{% endmacro %}

{#- Every model's post-hook: notes an incremental model as built, in the transaction that built it. -#}
{% macro record_refreshed() -%}
    {%- if execute and config.get('materialized') == 'incremental' -%}
        insert into {{ refresh_table('refresh_models') }} values ('{{ model.unique_id }}', {{ refresh_number() }})
    {%- endif -%}
{%- endmacro %}

{#- A full refresh, here and for dbt's own materialization: the flag alone does not decide. -#}
{% macro should_full_refresh() %}
    {{ return(not is_refresh_incremental() or (config.get('meta', {}).get('hangs_on_time') and not is_refresh_partial())) }}
{% endmacro %}

{#- A model whose rows may change for anybody at any time (meta: hangs_on_time) is written anew but by a partial one. -#}
{% macro is_incremental() %}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {{ return(not should_full_refresh() and load_relation(this) is not none) }}
{% endmacro %}

{#- While dbt parses it is true, so that what only an incremental refresh refers to is known. -#}
{% macro is_refresh_incremental() %}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {{ return(is_refreshing() and refresh_under_way().mode in ('incremental', 'partial')) }}
{% endmacro %}

{#- Whether what only time has changed is left to the next refresh. -#}
{% macro is_refresh_partial() %}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {{ return(is_refreshing() and refresh_under_way().mode == 'partial') }}
{% endmacro %}

{#- The number of the refresh under way; what it writes carries it. -#}
{% macro refresh_number() %}
    {{ return(refresh_under_way().refresh if execute and is_refreshing() else 0) }}
{% endmacro %}

{#- Unit tests and compilations speak of no refresh. -#}
{% macro is_refreshing() %}
    {{ return(flags.WHICH in ('build', 'run') and (model is not defined or model.resource_type != 'unit_test')) }}
{% endmacro %}

{#- The as_of of the last refresh, as SQL; what has a later time was not seen by it. -#}
{% macro since() -%}
    timestamp '{{ refresh_under_way().since if execute else as_of() }}'
{%- endmacro %}

{#- Whether a staged row is news to an incremental refresh: it was written in it, or one of its times has come since. -#}
{% macro is_news(relation, time, also=none) -%}
    (
        {{ relation }}._refresh = {{ refresh_number() }}
        or {{ relation }}.{{ time }} > {{ since() }}
        {%- if also %} or {{ relation }}.{{ also }} > {{ since() }}{% endif %}
    )
{%- endmacro %}

{#- The loads that the refresh under way is the first to see. -#}
{% macro new_loads() -%}
    select load_id from {{ refresh_table('refresh_loads') }} where refresh = {{ refresh_number() }}
{%- endmacro %}

{#-
    dbt's incremental strategy `refresh`: deletes the rows that the config `stale` names or whose unique_key is
    written anew, and inserts. An entry of `stale` is {changes: table, matching: {our column: its column}}; with
    `written_now: true` only the rows that this refresh wrote into that table count; with `at: column` that column says
    in which of our rows each stands (DuckDB's rowid), so that nobody looks for them again.
-#}
{% macro get_incremental_refresh_sql(arguments) %}
    {%- set target = arguments.target_relation -%}
    {%- set keys = arguments.unique_key -%}
    {%- for each in config.get('stale', []) %}
    {%- if each.changes not in ancestors(model.unique_id) -%}
        {{ exceptions.raise_compiler_error(model.name ~ ' names ' ~ each.changes ~ ' as stale, and does not wait for it: refer to it') }}
    {%- endif %}
    delete from {{ target }} as old
    {%- if each.at and stand_where_they_stood(target, each) %}
    where old.rowid in (select few.{{ each.at }} from {{ refresh_table(each.changes) }} as few);
    {%- elif each.matching | length == 1 and not each.written_now %}
    {%- for ours, theirs in each.matching.items() %}
    where old.{{ ours }} in ({{ keys_of(refresh_table(each.changes), theirs) }});
    {%- endfor %}
    {%- else %}
    where exists (
        select 1 from {{ refresh_table(each.changes) }} as changes
        where
            {%- for ours, theirs in each.matching.items() %}
            old.{{ ours }} = changes.{{ theirs }}{{ ' and' if not loop.last }}
            {%- endfor %}
            {%- if each.written_now %}
            and changes._refresh = {{ refresh_number() }}
            {%- endif %}
    );
    {%- endif %}
    {%- endfor %}
    {%- if keys %}
    {%- set keys = [keys] if keys is string else keys %}
    delete from {{ target }} as old
    where exists (
        select 1 from {{ arguments.temp_relation }} as new
        where {% for key in keys %}old.{{ key }} = new.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
    );
    {%- endif %}
    insert into {{ target }} by name select * from {{ arguments.temp_relation }}
{% endmacro %}

{#- Whether the rows that a table of changes names are those that it found: a checkpoint may give others their numbers. -#}
{% macro stand_where_they_stood(target, stale) %}
    {%- set ours, theirs = (stale.matching.items() | list)[0] -%}
    {{ return(run_query(
        'with found as materialized (
            select rowid as place, ' ~ ours ~ ' as key from ' ~ target ~ '
            where rowid in (select few.' ~ stale.at ~ ' from ' ~ refresh_table(stale.changes) ~ ' as few)
        )
        select count(*) = (select count(*) from ' ~ refresh_table(stale.changes) ~ ')
        from found
        semi join ' ~ refresh_table(stale.changes) ~ ' as few on found.place = few.' ~ stale.at ~ ' and found.key = few.' ~ theirs
    ).columns[0].values()[0]) }}
{% endmacro %}

{#- A table as the last refresh left it, for what says how it changes; no reference, for it is built later. -#}
{% macro before_refresh(name) -%}
    {{ refresh_table(name) }}
{%- endmacro %}

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

{#- The names of all models that a model comes from. -#}
{% macro ancestors(unique_id) %}
    {%- set found, open = [], [unique_id] -%}
    {%- for step in range(graph.nodes | length) if open -%}
        {%- for parent in graph.nodes[open.pop()].depends_on.nodes if parent.startswith('model.') and graph.nodes[parent].name not in found -%}
            {%- do found.append(graph.nodes[parent].name) -%}
            {%- do open.append(parent) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- The newest refresh as a row. -#}
{% macro last_refresh() %}
    {%- set rows = run_query(
        'select refresh, as_of, known_at, project, deletions_count, mode, since, is_complete from ' ~ refresh_table('refreshes')
        ~ ' order by refresh desc limit 1'
    ).rows -%}
    {{ return(rows[0] if rows else none) }}
{% endmacro %}

{#- The same for what is built in it, asked once in a run of dbt: the graph is the one thing that all models share. -#}
{% macro refresh_under_way() %}
    {%- if 'refresh_under_way' not in graph -%}
        {%- do graph.update({'refresh_under_way': last_refresh()}) -%}
    {%- endif -%}
    {{ return(graph['refresh_under_way']) }}
{% endmacro %}

{#- The instant of the newest refresh that saw what only time has changed. -#}
{% macro last_in_time() %}
    {{ return(run_query("select as_of from " ~ refresh_table('refreshes') ~ " where mode <> 'partial' order by refresh desc limit 1").columns[0].values()[0]) }}
{% endmacro %}

{#- dbt's cache does not know what a hook has made. -#}
{% macro has_refreshed() %}
    {{ return(run_query("select count(*) from information_schema.tables where table_name = 'refreshes' and table_schema = '" ~ refresh_schema() ~ "'").columns[0].values()[0] > 0) }}
{% endmacro %}

{#- Whether this run of dbt builds other models of the refresh that is under way. -#}
{% macro continues(last, selected) %}
    {%- if last.is_complete or last.project != var('project', '') or last.known_at != var('known_at', '')
        or last.deletions_count != deletions_count() or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {%- if run_query("select timestamp '" ~ last.as_of ~ "' <> " ~ as_of()).columns[0].values()[0]
        or run_query('select count(*) from (' ~ unseen_loads(last) ~ ') as unseen').columns[0].values()[0] -%}
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
    {%- if not load_relation(source('raw', 'deletions')) -%}{{ return(0) }}{%- endif -%}
    {{ return(run_query('select count(*) from ' ~ source('raw', 'deletions') ~ ' where seen_at <= ' ~ as_of()).columns[0].values()[0]) }}
{% endmacro %}

{% macro unseen_loads(last) -%}
    {%- if not load_relation(source('raw', 'loads')) -%}
        {{ return("select cast(null as varchar) as load_id where false") }}
    {%- endif -%}
    select distinct load_id from {{ source('raw', 'loads') }}
    where status = 'landed'{% if last %} and load_id not in (select load_id from {{ refresh_table('refresh_loads') }}){% endif %}
{%- endmacro %}
