{#-
    A model with this materialization is a segment: a query for people, and nothing but people. It becomes a table
    with the one column person_id, in which nobody stands twice and everybody has an id; a query that gives
    anything else fails alone, in words for whoever wrote it, and the table that an earlier build made stays.
-#}
{% materialization segment, default %}

    {%- set target_relation = this.incorporate(type='table') -%}
    {#- What a trigger asks for is of the people of whom something landed: the others stay as they are. -#}
    {%- set is_of_few = is_refresh_partial() and load_cached_relation(this) is not none and 'changed_people' in ancestors(model.unique_id) -%}
    {%- set few = changed_people_list() if is_of_few -%}
    {%- set found = this.incorporate(path={'identifier': this.identifier ~ '__found'}, type='table') -%}

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

    {% do run_query('create or replace table ' ~ found ~ ' as
        select cast(person_id as varchar) as person_id from (' ~ sql ~ '\n) as people'
        ~ (' where person_id in ' ~ few if is_of_few)) %}
    {% set counts = run_query('select count(*) - count(person_id), count(person_id) - count(distinct person_id) from ' ~ found) %}
    {% set nameless, repeated = counts.rows[0][0], counts.rows[0][1] %}
    {% if nameless > 0 or repeated > 0 %}{% do run_query('drop table ' ~ found) %}{% endif %}
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
        {% if is_of_few -%}
        delete from {{ target_relation }} as old where old.person_id in {{ few }};
        insert into {{ target_relation }} select person_id from {{ found }};
        drop table {{ found }}
        {%- else -%}
        drop table if exists {{ target_relation }};
        alter table {{ found }} rename to {{ this.identifier }}
        {%- endif %}
    {%- endcall %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}

{#-
    The people of whom something landed, for `in`: where they are few, by name, for DuckDB takes names into the middle of a
    query, below what it groups, and what it joins with a table it does not. Asked once in a run of dbt.
-#}
{% macro changed_people_list() %}
    {%- if 'changed_people_list' not in graph -%}
        {%- set people = run_query('select person_id from ' ~ refresh_table('changed_people') ~ ' limit 1001').columns[0].values() -%}
        {%- set names = [] -%}
        {%- for person in people -%}{%- do names.append(text_literal(person)) -%}{%- endfor -%}
        {%- do graph.update({
            'changed_people_list': '(' ~ names | join(', ') ~ ')' if names and names | length <= 1000
            else '(select changed.person_id from ' ~ refresh_table('changed_people') ~ ' as changed)'
        }) -%}
    {%- endif -%}
    {{ return(graph['changed_people_list']) }}
{% endmacro %}

{#- The segments that this build could not refresh, each with the reason in a sentence. -#}
{% macro failed_segments() -%}
    {{ return(var('failed_segments')) }}
{%- endmacro %}

{#- Text as a literal of SQL. -#}
{% macro text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}
