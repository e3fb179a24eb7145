{#-
    A model with this materialization selects edges (node, neighbour), with a self-edge for a node on its own,
    and becomes a table (node, component): the smallest node of each connected component.

    FastSV (Zhang, Azad, Hu: "FastSV: a distributed-memory connected component algorithm with fast
    convergence", 2020) as set-based rounds: hook each parent and node under the smallest grandparent among
    its neighbours, then shorten every path; about log(n) rounds, also for a long chain.
-#}
{% materialization connected_components, default %}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set edges = adapter.quote(this.identifier ~ '__edges') -%}
    {%- set labels = adapter.quote(this.identifier ~ '__labels') -%}
    {%- set hooked = adapter.quote(this.identifier ~ '__hooked') -%}
    {%- set max_rounds = 200 -%}

    {{ run_hooks(pre_hooks) }}

    {% do run_query('create or replace temp table ' ~ edges ~ ' as
        with given as (' ~ sql ~ ')
        select node, neighbour from given
        union
        select neighbour as node, node as neighbour from given') %}
    {% do run_query('create or replace temp table ' ~ labels ~ ' as
        select node, min(neighbour) as component from ' ~ edges ~ ' group by node') %}

    {% set state = namespace(changed=true, rounds=0) %}
    {% for round in range(max_rounds) if state.changed %}
        {% do run_query('create or replace temp table ' ~ hooked ~ ' as
            with grandparents as (
                select labels.node, labels.component, parents.component as grandparent
                from ' ~ labels ~ ' as labels
                inner join ' ~ labels ~ ' as parents on labels.component = parents.node
            ),
            offers as (
                select edges.node, own.component, min(theirs.grandparent) as offer
                from ' ~ edges ~ ' as edges
                inner join grandparents as own on edges.node = own.node
                inner join grandparents as theirs on edges.neighbour = theirs.node
                group by edges.node, own.component
            ),
            smallest as (
                select node, min(offer) as offer
                from (
                    select node, offer from offers
                    union all
                    select component as node, offer from offers
                ) as all_offers
                group by node
            )
            select grandparents.node, least(grandparents.grandparent, coalesce(smallest.offer, grandparents.grandparent)) as component
            from grandparents
            left join smallest on grandparents.node = smallest.node') %}
        {% set moved = run_query('select count(*) from ' ~ hooked ~ ' as hooked
            inner join ' ~ labels ~ ' as labels on hooked.node = labels.node
            where hooked.component <> labels.component').columns[0].values()[0] %}
        {% do run_query('create or replace temp table ' ~ labels ~ ' as select * from ' ~ hooked) %}
        {% set state.changed = moved > 0 %}
        {% set state.rounds = state.rounds + 1 %}
    {% endfor %}
    {% if state.changed %}
        {{ exceptions.raise_compiler_error('connected components did not settle in ' ~ max_rounds ~ ' rounds') }}
    {% endif %}

    {% call statement('main') -%}
        create or replace table {{ target_relation }} as select node, component from {{ labels }}
    {%- endcall %}
    {% for table in [edges, labels, hooked] %}
        {% do run_query('drop table if exists ' ~ table) %}
    {% endfor %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}
