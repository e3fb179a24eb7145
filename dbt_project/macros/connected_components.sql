{#-
    A model with this materialization selects edges (node, neighbour) and becomes a table (node, component):
    for each node of an edge, the smallest node of its connected component.

    Randomised contraction (Bögeholz, Brand, Todor: "In-database connected component analysis", ICDE 2020).
    Each round gives every node a fresh pseudo-random number, contracts it into the neighbour with the smallest
    one (or itself), and keeps what edges are left between the contracted nodes. In expectation a round leaves at
    most three quarters of the nodes, whatever the graph's shape, so that a chain takes as many rounds as a star
    of its size needs at most: about log(n), of ever smaller tables.
-#}
{% materialization connected_components, default %}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set work = this.identifier -%}
    {%- set max_rounds = 200 -%}

    {{ run_hooks(pre_hooks) }}

    {% do run_query('create or replace temp table ' ~ work ~ '__edges_0 as
        with given as (' ~ sql ~ ')
        select node, neighbour from given where node <> neighbour
        union all
        select neighbour as node, node as neighbour from given where node <> neighbour') %}

    {% set state = namespace(rounds=0, left=run_query('select count(*) from ' ~ work ~ '__edges_0').columns[0].values()[0]) %}
    {% for round in range(max_rounds) if state.left > 0 %}
        {% set edges = work ~ '__edges_' ~ round %}
        {% set into = work ~ '__into_' ~ round %}
        {% do run_query('create or replace temp table ' ~ into ~ ' as
            select
                node,
                case
                    when min(' ~ contraction_number('neighbour', round) ~ ') < ' ~ contraction_number('node', round) ~ '
                        then arg_min(neighbour, ' ~ contraction_number('neighbour', round) ~ ')
                    else node
                end as contracted
            from ' ~ edges ~ '
            group by node') %}
        {% do run_query('create or replace temp table ' ~ work ~ '__edges_' ~ (round + 1) ~ ' as
            select distinct one.contracted as node, other.contracted as neighbour
            from ' ~ edges ~ ' as edges
            inner join ' ~ into ~ ' as one on edges.node = one.node
            inner join ' ~ into ~ ' as other on edges.neighbour = other.node
            where one.contracted <> other.contracted') %}
        {% do run_query('drop table ' ~ edges) %}
        {% set state.left = run_query('select count(*) from ' ~ work ~ '__edges_' ~ (round + 1)).columns[0].values()[0] %}
        {% set state.rounds = round + 1 %}
    {% endfor %}
    {% if state.left > 0 %}
        {{ exceptions.raise_compiler_error('connected components did not settle in ' ~ max_rounds ~ ' rounds') }}
    {% endif %}
    {% do run_query('drop table ' ~ work ~ '__edges_' ~ state.rounds) %}

    {#- Follow the contractions from the last round back to the first: each step is as small as its round. -#}
    {% for back in range(state.rounds - 1, 0, -1) %}
        {% do run_query('create or replace temp table ' ~ work ~ '__joined as
            select into_earlier.node, coalesce(into_later.contracted, into_earlier.contracted) as contracted
            from ' ~ work ~ '__into_' ~ (back - 1) ~ ' as into_earlier
            left join ' ~ work ~ '__into_' ~ back ~ ' as into_later on into_earlier.contracted = into_later.node') %}
        {% do run_query('drop table ' ~ work ~ '__into_' ~ back) %}
        {% do run_query('drop table ' ~ work ~ '__into_' ~ (back - 1)) %}
        {% do run_query('alter table ' ~ work ~ '__joined rename to ' ~ work ~ '__into_' ~ (back - 1)) %}
    {% endfor %}
    {% if state.rounds == 0 %}
        {% do run_query('create or replace temp table ' ~ work ~ '__into_0 as
            select node, neighbour as contracted from (' ~ sql ~ ') as given where false') %}
    {% endif %}

    {% call statement('main') -%}
        create or replace table {{ target_relation }} as
        with smallest as (
            select contracted, min(node) as component
            from {{ work }}__into_0
            group by contracted
        )
        select labels.node, smallest.component
        from {{ work }}__into_0 as labels
        inner join smallest on labels.contracted = smallest.contracted
    {%- endcall %}
    {% do run_query('drop table ' ~ work ~ '__into_0') %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}

{#- A pseudo-random number of a node in a round; the components do not depend on it, only the rounds do. -#}
{% macro contraction_number(node, round) -%}
    {{ return(adapter.dispatch('contraction_number')(node, round)) }}
{%- endmacro %}

{% macro default__contraction_number(node, round) -%}
    {{ return('hash(' ~ node ~ ', ' ~ round ~ ')') }}
{%- endmacro %}
