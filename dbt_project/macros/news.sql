{#- What of a table an incremental refresh (refresh.sql) reads: the rows that it is about, and no others. -#}

{#- The windows of time that tables with one row per person look at: whoever adds one names it here. -#}
{% macro windows_in_days() -%}
    {{ return([var('engaged_days'), var('active_days'), 90, var('view_use_after_days')]) }}
{%- endmacro %}

{#-
    One more equality of a join, after `and`. Where a join has one `=` alone DuckDB looks at the few rows of its one side
    while it reads the many of the other, and reads no more of those than their keys (a Bloom filter); with two of them
    it reads all. So of the keys of a refresh's news `=` compares what differs most, and this the others.
-#}
{% macro also_equal(left, right) -%}
    {{ left }} between {{ right }} and {{ right }}
{%- endmacro %}

{#-
    The keys of a table, texts, for `in`. Of many that begin alike DuckDB would keep the range of their first letters,
    which all others have too; of these and two that lie before and after all keys, and are nobody's, it keeps a Bloom
    filter. A partial refresh has few, and their range leaves most of a table out.
-#}
{% macro keys_of(relation, key) -%}
    select few.{{ key }} from {{ relation }} as few
    {%- if not is_refresh_partial() %} union all values (chr(1)), (chr(1114111)){% endif %}
{%- endmacro %}

{#- Keeps, in an incremental refresh, the people of whom something new is said: ends the where clause of an input. -#}
{% macro only_changed_people(relation) -%}
    {%- if is_incremental() %}
    where {{ relation }}.person_id in (select changed_people.person_id from {{ ref('changed_people') }} as changed_people)
    {%- endif %}
{%- endmacro %}

{#- The same for profiles, which also change with a person's scores: one set to look people up in, so that what is read
    is cut down by it; two conditions with `or` would read everything. -#}
{% macro only_new_profiles(relation) -%}
    {%- if is_incremental() %}
    where {{ relation }}.person_id in (
        select changed_people.person_id from {{ ref('changed_people') }} as changed_people
        union
        select changed_scores.person_id from {{ ref('changed_scores') }} as changed_scores
    )
    {%- endif %}
{%- endmacro %}

{#- The same for what journeys are made of, in tables that one refresh works with and in those that last. -#}
{% macro only_changed_journeys(relation) -%}
    {%- if is_refresh_incremental() %}
    where {{ relation }}.person_id in (select changed.person_id from {{ ref('changed_journeys') }} as changed)
    {%- endif %}
{%- endmacro %}

{#-
    The acts of a source; in an incremental refresh those that are news, and all of the people who moved (CTE `moved`).
    Apart, for of the news only the newest part of the table is read, and of the moved none where nobody moved.
-#}
{% macro news_and_moved(relation, is_news, identifier_type, identifier) -%}
    {%- if is_incremental() -%}
    (
        select * from {{ relation }}
        where {{ is_news }}
        union all
        select {{ relation }}.*
        from {{ relation }}
        semi join moved
            on moved.identifier = {{ identifier }} and {{ also_equal('moved.identifier_type', identifier_type) }}
        where not {{ is_news }}
    ) as {{ relation }}
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- Whether the people of a partial refresh have bought what a table of scores says of them; `profiles` is built. -#}
{% macro has_only_these_buyers(scores) %}
    {%- if load_cached_relation(scores) is none -%}{{ return(false) }}{%- endif -%}
    {%- set columns = 'person_id, last_ordered_at, orders_count, total_spent_amount' -%}
    {%- set scored = 'select ' ~ columns ~ ' from ' ~ scores ~ ' where person_id in ' ~ changed_people_list() -%}
    {%- set bought = 'select ' ~ columns ~ ' from ' ~ refresh_table('profiles') ~ ' where orders_count > 0 and person_id in ' ~ changed_people_list() -%}
    {{ return(run_query(
        'select count(*) from ((' ~ scored ~ ' except ' ~ bought ~ ') union all (' ~ bought ~ ' except ' ~ scored ~ ')) as moved'
    ).columns[0].values()[0] == 0) }}
{% endmacro %}
