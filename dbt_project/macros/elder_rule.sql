{#-
    A model with this materialization selects dated edges (node, neighbour, linked_at), where a smaller node is an
    older one, and becomes a table (node, absorbed_into, absorbed_at): when each node that is not its component's
    oldest was first connected to an older one, and to which cluster's oldest.

    The elder rule of persistent homology in dimension zero (Edelsbrunner, Letscher, Zomorodian: "Topological
    persistence and simplification", 2002), as set-based rounds: a cluster whose earliest edge leads to an older
    cluster is absorbed along it, for until then it stood alone. What is absorbed along later edges keeps every
    older connection, so that many clusters may be absorbed in one round.
-#}
{% materialization elder_rule, default %}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set work = this.identifier -%}
    {%- set max_rounds = 100000 -%}

    {{ run_hooks(pre_hooks) }}

    {#- The rank orders edges by time, and breaks ties, once and for all. -#}
    {% do run_query('create or replace temp table ' ~ work ~ '__dated as
        select node, neighbour, linked_at, row_number() over (order by linked_at, node, neighbour) as edge_rank
        from (' ~ sql ~ ') as given
        where node <> neighbour') %}
    {% do run_query('create or replace temp table ' ~ work ~ '__edges as
        select node, neighbour, min(edge_rank) as edge_rank
        from (
            select node, neighbour, edge_rank from ' ~ work ~ '__dated
            union all
            select neighbour as node, node as neighbour, edge_rank from ' ~ work ~ '__dated
        ) as both_ways
        group by node, neighbour') %}
    {% do run_query('create or replace temp table ' ~ work ~ '__absorbed (node bigint, absorbed_into bigint, edge_rank bigint)') %}

    {% set state = namespace(left=run_query('select count(*) from ' ~ work ~ '__edges').columns[0].values()[0]) %}
    {% for round in range(max_rounds) if state.left > 0 %}
        {% do run_query('create or replace temp table ' ~ work ~ '__parents as
            select node, arg_min(neighbour, edge_rank) as parent, min(edge_rank) as edge_rank
            from ' ~ work ~ '__edges
            group by node
            having arg_min(neighbour, edge_rank) < node') %}
        {% do run_query('insert into ' ~ work ~ '__absorbed select node, parent, edge_rank from ' ~ work ~ '__parents') %}
        {% set paths = namespace(open=1) %}
        {% for jump in range(64) if paths.open > 0 %}
            {% do run_query('create or replace temp table ' ~ work ~ '__shorter as
                select parents.node, coalesce(grandparents.parent, parents.parent) as parent
                from ' ~ work ~ '__parents as parents
                left join ' ~ work ~ '__parents as grandparents on parents.parent = grandparents.node') %}
            {% set paths.open = run_query('select count(*) from ' ~ work ~ '__shorter as shorter
                inner join ' ~ work ~ '__parents as parents on shorter.parent = parents.node').columns[0].values()[0] %}
            {% do run_query('create or replace temp table ' ~ work ~ '__parents as select * from ' ~ work ~ '__shorter') %}
        {% endfor %}
        {% do run_query('create or replace temp table ' ~ work ~ '__edges as
            select
                coalesce(one.parent, edges.node) as node,
                coalesce(other.parent, edges.neighbour) as neighbour,
                min(edges.edge_rank) as edge_rank
            from ' ~ work ~ '__edges as edges
            left join ' ~ work ~ '__parents as one on edges.node = one.node
            left join ' ~ work ~ '__parents as other on edges.neighbour = other.node
            where coalesce(one.parent, edges.node) <> coalesce(other.parent, edges.neighbour)
            group by all') %}
        {% set state.left = run_query('select count(*) from ' ~ work ~ '__edges').columns[0].values()[0] %}
    {% endfor %}
    {% if state.left > 0 %}
        {{ exceptions.raise_compiler_error('merges did not settle in ' ~ max_rounds ~ ' rounds') }}
    {% endif %}

    {% call statement('main') -%}
        create or replace table {{ target_relation }} as
        select absorbed.node, absorbed.absorbed_into, dated.linked_at as absorbed_at
        from {{ work }}__absorbed as absorbed
        inner join {{ work }}__dated as dated on absorbed.edge_rank = dated.edge_rank
    {%- endcall %}
    {% for table in ['dated', 'edges', 'absorbed', 'parents', 'shorter'] %}
        {% do run_query('drop table if exists ' ~ work ~ '__' ~ table) %}
    {% endfor %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}
