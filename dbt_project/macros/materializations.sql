{#-
    dbt-duckdb's own materializations build beside the old table, look for indexes, keys and grants, and rename twice:
    ten statements and more a model, which at two hundred models is half of an hour's refresh. DuckDB replaces a
    table within one transaction, and until that is committed readers see the old one.
-#}
{% materialization table, adapter='duckdb' %}

    {%- set target_relation = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks) }}
    {% do make_room(target_relation) %}
    {#- What a model says of itself alone stays as it is. -#}
    {% call statement('main') -%}
        {{ 'select 1' if compiled_code | trim == 'select * from ' ~ this else replace_table(target_relation, compiled_code) }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}


{#- Full, or by the strategy `refresh` (refresh.sql). Columns never change in between: another project builds in full. -#}
{% materialization incremental, adapter='duckdb' %}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks) }}
    {% if existing_relation is none or existing_relation.is_view or should_full_refresh() %}
        {% do make_room(target_relation) %}
        {% call statement('main') -%}{{ replace_table(target_relation, compiled_code) }}{%- endcall %}
    {% else %}
        {%- set temp_relation = make_temp_relation(target_relation) -%}
        {% call statement('found') -%}create temporary table {{ temp_relation }} as ({{ compiled_code }}
        ){%- endcall %}
        {% call statement('main') -%}
            {{ get_incremental_refresh_sql({'target_relation': target_relation, 'temp_relation': temp_relation, 'unique_key': config.get('unique_key')}) }};
            drop table {{ temp_relation }}
        {%- endcall %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}


{% materialization view, adapter='duckdb' %}

    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks) }}
    {% do make_room(target_relation) %}
    {% call statement('main') -%}
        {% if config.get('contract').enforced %}{{ get_assert_columns_equivalent(compiled_code) }}{% endif %}
        create or replace view {{ target_relation }} as ({{ compiled_code }}
        )
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}


{#- What stands under the name and is of another kind goes: only its own kind is replaced. -#}
{% macro make_room(relation) %}
    {%- set existing = load_cached_relation(relation) -%}
    {%- if existing is not none and existing.type != relation.type -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
{% endmacro %}


{% macro replace_table(relation, compiled_code) %}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(compiled_code) }}
        create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
        insert into {{ relation }} {{ get_column_names() }} ({{ get_select_subquery(compiled_code) }}
        )
    {%- else -%}
        create or replace table {{ relation }} as ({{ compiled_code }}
        )
    {%- endif -%}
{% endmacro %}
