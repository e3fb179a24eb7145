{#-
    A model with this materialization is a segment: a query for people, and nothing but people. It becomes a table
    with the one column person_id, in which nobody stands twice and everybody has an id; a query that gives
    anything else fails alone, in words for whoever wrote it, and the table that an earlier build made stays.
-#}
{% materialization segment, default %}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set found = this.identifier ~ '__found' -%}

    {{ run_hooks(pre_hooks) }}

    {% set columns = get_columns_in_query(sql) %}
    {% if columns | map('lower') | list != ['person_id'] %}
        {% set others = columns | reject('equalto', 'person_id') | join(', ') %}
        {{ exceptions.raise_compiler_error(
            'The segment ' ~ this.identifier ~ ' returns the columns ' ~ (columns | join(', '))
            ~ ', but a segment returns person_id alone: '
            ~ ('take ' ~ others ~ ' out of its select.' if 'person_id' in columns and others
                else 'select person_id once.' if 'person_id' in columns
                else 'name the column that holds the person: select … as person_id.')
        ) }}
    {% endif %}

    {% do run_query('create or replace temp table ' ~ found ~ ' as
        select cast(person_id as varchar) as person_id from (' ~ sql ~ '\n) as people') %}
    {% set counts = run_query('select count(*) - count(person_id), count(person_id) - count(distinct person_id) from ' ~ found) %}
    {% set nameless, repeated = counts.rows[0][0], counts.rows[0][1] %}
    {% if nameless > 0 %}
        {{ exceptions.raise_compiler_error(
            'The segment ' ~ this.identifier ~ ' returns ' ~ nameless ~ ' rows without a person_id: add '
            ~ '`where person_id is not null`, or look why a join finds nobody.'
        ) }}
    {% elif repeated > 0 %}
        {{ exceptions.raise_compiler_error(
            'The segment ' ~ this.identifier ~ ' returns the same people more than once, ' ~ repeated
            ~ ' rows too many: add `group by person_id`, or look which join multiplies them.'
        ) }}
    {% endif %}

    {% call statement('main') -%}
        create or replace table {{ target_relation }} as select person_id from {{ found }}
    {%- endcall %}
    {% do run_query('drop table if exists ' ~ found) %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}

{#- The segments that this build could not refresh, each with the reason in a sentence. -#}
{% macro failed_segments() -%}
    {{ return(var('failed_segments')) }}
{%- endmacro %}

{#- Text as a literal of SQL. -#}
{% macro text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}
