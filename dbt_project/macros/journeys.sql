{#- The occurrence of a journey's message: `<journey>:<step>:<entry>`, the entry as compact UTC text. -#}
{% macro journey_occurrence(journey, step, entered_at) -%}
    {{ journey }} || ':' || {{ step }} || ':' || {{ compact_utc(entered_at) }}
{%- endmacro %}

{#- 2018-01-31 10:00:00 as 20180131T100000000000Z, and back. Microseconds count: an entry is known by its instant. -#}
{% macro compact_utc(instant) -%}
    {{ adapter.dispatch('compact_utc')(instant) }}
{%- endmacro %}

{% macro default__compact_utc(instant) -%}
    strftime({{ instant }}, '%Y%m%dT%H%M%S%fZ')
{%- endmacro %}

{% macro from_compact_utc(text) -%}
    {{ adapter.dispatch('from_compact_utc')(text) }}
{%- endmacro %}

{% macro default__from_compact_utc(text) -%}
    try_strptime({{ text }}, '%Y%m%dT%H%M%S%fZ')
{%- endmacro %}

{#- The instant so many seconds later, or with a minus earlier; a day has 86,400 of them. -#}
{% macro plus_seconds(instant, seconds) -%}
    {{ adapter.dispatch('plus_seconds')(instant, seconds) }}
{%- endmacro %}

{% macro default__plus_seconds(instant, seconds) -%}
    ({{ instant }} + to_seconds({{ seconds }}))
{%- endmacro %}

{#-
    For rows (entry_key, step_number, journey, person_id, entered_at, due_at) of `relation`, the first condition of the
    step that did not hold at due_at, as (entry_key, step_number, failed_condition); no row where all held.

    Segments and stages count as they were at due_at, acts when they came after the entry and not after due_at. The
    query that uses it imports `conditions`, `states` and `signals`.
-#}
{% macro failed_conditions(relation) %}
    select failed.entry_key, failed.step_number, conditions.words as failed_condition
    from (
        select entry_key, step_number, journey, step, min(condition_number) as condition_number
        from (
            select due.entry_key, due.step_number, due.journey, due.step, conditions.condition_number
            from {{ relation }} as due
            inner join conditions
                on due.journey = conditions.journey and due.step = conditions.step
            left join states
                on
                    due.person_id = states.person_id
                    and conditions.kind = states.kind
                    and conditions.value = states.value
                    and states.from_at <= due.due_at
                    and coalesce(states.until_at > due.due_at, true)
            left join signals
                on
                    due.person_id = signals.person_id
                    and conditions.kind = signals.kind
                    and conditions.value = signals.value
                    and signals.happened_at > due.entered_at
                    and signals.happened_at <= due.due_at
            group by
                due.entry_key, due.step_number, due.journey, due.step,
                conditions.condition_number, conditions.is_negated
            having (count(states.person_id) + count(signals.person_id) > 0) = conditions.is_negated
        ) as unmet
        group by entry_key, step_number, journey, step
    ) as failed
    inner join conditions
        on
            failed.journey = conditions.journey
            and failed.step = conditions.step
            and failed.condition_number = conditions.condition_number
{% endmacro %}

{#- A hash of all that the files of journeys say, and of what they take from their campaigns. -#}
{% macro journey_definition() -%}
    select md5(coalesce(string_agg(words, chr(10) order by words), ''))
    from (
        {%- for table in ['journeys', 'journey_rules', 'journey_steps', 'journey_conditions'] %}
        select '{{ table }} ' || cast({{ table }} as varchar) as words
        from {{ source('raw', table) }} as {{ table }}
        union all
        {%- endfor %}
        select distinct concat_ws(' ', 'campaign', campaign, purpose, priority, holdout_share)
        from {{ source('raw', 'campaigns') }}
    ) as said
{%- endmacro %}
