{#- A UTC instant as the clock of `zone` shows it. -#}
{% macro local_time(instant, zone) -%}
    {{ adapter.dispatch('local_time')(instant, zone) }}
{%- endmacro %}

{% macro default__local_time(instant, zone) -%}
    ({{ instant }} at time zone 'UTC' at time zone {{ zone }})
{%- endmacro %}

{#- The names of the time zones that the database knows, as a query. -#}
{% macro known_time_zones() -%}
    {{ adapter.dispatch('known_time_zones')() }}
{%- endmacro %}

{% macro default__known_time_zones() -%}
    select name as timezone from pg_timezone_names()
{%- endmacro %}

{#- The hours of a day, as a query. -#}
{% macro hours_of_a_day() -%}
    {%- for hour in range(24) %}
    {{ 'union all ' if not loop.first }}select {{ hour }} as hour
    {%- endfor %}
{%- endmacro %}

{#-
    How an act speaks of the hours beside its own, as a query: an open at 8:59 is one of 9 o'clock as well. The parts
    add up to 1, and the day is a circle. Decimals, so that sums hang on no order.
-#}
{% macro send_time_kernel() -%}
    select -1 as step, cast({{ var('send_time_neighbour_part') }} as decimal(6, 4)) as part
    union all
    select 0, cast(1 - 2 * {{ var('send_time_neighbour_part') }} as decimal(6, 4))
    union all
    select 1, cast({{ var('send_time_neighbour_part') }} as decimal(6, 4))
{%- endmacro %}

{#- The hour with the greatest share, the earliest of equals; shares have six digits. -#}
{% macro best_hour(hour, share) -%}
    arg_max({{ hour }}, cast(round({{ share }} * 1000000) as bigint) * 24 + 23 - {{ hour }})
{%- endmacro %}
