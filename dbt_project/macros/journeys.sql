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
    For rows (journey, person_id, entered_at, step, due_at) of `relation`, the first condition of the step that did not
    hold at due_at, as (journey, person_id, entered_at, step, failed_condition); no row where all held.

    Segments and stages count as they were at due_at, acts when they came after the entry and not after due_at. The
    query that uses it imports `conditions`, `states` and `signals`.
-#}
{% macro failed_conditions(relation) %}
    select journey, person_id, entered_at, step, min_by(words, condition_number) as failed_condition
    from (
        select
            due.journey,
            due.person_id,
            due.entered_at,
            due.step,
            conditions.condition_number,
            conditions.words
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
            due.journey, due.person_id, due.entered_at, due.step,
            conditions.condition_number, conditions.words, conditions.is_negated
        having (count(states.person_id) + count(signals.person_id) > 0) = conditions.is_negated
    ) as failed
    group by journey, person_id, entered_at, step
{% endmacro %}

{#- The reasons against writing to somebody that message_candidates knows too. -#}
{% macro journey_gates() -%}
    'deleted', 'no_address', 'suppressed', 'no_consent', 'global_holdout', 'campaign_holdout'
{%- endmacro %}
