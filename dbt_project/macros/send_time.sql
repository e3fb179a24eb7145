{#- A UTC instant as the clock of `zone` shows it. -#}
{% macro local_time(instant, zone) -%}
    {{ adapter.dispatch('local_time')(instant, zone) }}
{%- endmacro %}

{% macro default__local_time(instant, zone) -%}
    ({{ instant }} at time zone 'UTC' at time zone {{ zone }})
{%- endmacro %}

{#- The UTC instant at which the clock of `zone` shows a time; of one that it skips, when it does. -#}
{% macro utc_time(local, zone) -%}
    {{ adapter.dispatch('utc_time')(local, zone) }}
{%- endmacro %}

{% macro default__utc_time(local, zone) -%}
    ({{ local }} at time zone {{ zone }} at time zone 'UTC')
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
    How much what is counted in `columns`, one for each hour, speaks of an hour: that hour's own, and a part of what is
    beside it on the circle of the day. An open at 8:59 is one of 9 o'clock as well; the parts add up to 1. Decimals, so
    that sums hang on no order.
-#}
{% macro spoken_of(hour, column='hour_') -%}
    {%- set beside = 'cast(' ~ var('send_time_neighbour_part') ~ ' as decimal(6, 4))' -%}
    {{ column }}{{ hour }} * (1 - 2 * {{ beside }})
    + ({{ column }}{{ (hour + 23) % 24 }} + {{ column }}{{ (hour + 1) % 24 }}) * {{ beside }}
{%- endmacro %}

{#- Of columns with an hour's number at their end, the one of `hour`. -#}
{% macro at_hour(hour, column) -%}
    case {{ hour }}
        {%- for each in range(24) %}
        when {{ each }} then {{ column }}{{ each }}
        {%- endfor %}
    end
{%- endmacro %}

{#- A share and its hour as one number, so that the greatest is that of the best hour, the earliest of equals. -#}
{% macro ranked_hour(hour, share) -%}
    cast(round({{ share }} * 1000000) as bigint) * 24 + 23 - {{ hour }}
{%- endmacro %}

{% macro hour_of_rank(rank) -%}
    cast(23 - {{ rank }} % 24 as int)
{%- endmacro %}

{% macro share_of_rank(rank) -%}
    ({{ rank }} - {{ rank }} % 24) / 24000000.0
{%- endmacro %}
