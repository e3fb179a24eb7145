{#- The instant that this build speaks of, in UTC. -#}
{% macro as_of() -%}
    cast('{{ var("as_of") }}' as timestamp)
{%- endmacro %}

{#- The instant `amount` units before as_of; `<column> > {{ ago(30) }}` is "within the last 30 days". -#}
{% macro ago(amount, unit='day') -%}
    {{ minus_interval(as_of(), amount, unit) }}
{%- endmacro %}

{% macro minus_interval(instant, amount, unit='day') -%}
    ({{ instant }} - interval '{{ amount }}' {{ unit }})
{%- endmacro %}

{% macro plus_interval(instant, amount, unit='day') -%}
    ({{ instant }} + interval '{{ amount }}' {{ unit }})
{%- endmacro %}

{#-
    ISO 8601 text to a UTC timestamp; without an offset it is UTC; null where it is no time. No time is a day that no
    calendar has, 24:00 or a leap second (databases disagree on which instant they are), an offset that no place on
    earth has, and a zone's name, under which an hour of each autumn means two instants.
-#}
{% macro to_utc(text) -%}
    {{ adapter.dispatch('to_utc')(text) }}
{%- endmacro %}

{% macro default__to_utc(text) -%}
    case
        when
            regexp_matches({{ text }}, '^{{ iso_8601() }}$') and {{ text }} not like '0000%'
            then try_cast({{ text }} as timestamptz) at time zone 'UTC'
    end
{%- endmacro %}

{#- The shapes that times are written in, databases' own among them; whether a day exists is the cast's to say. -#}
{% macro iso_8601() -%}
    {%- set time = '([01]?[0-9]|2[0-3]):[0-9]{1,2}(:[0-9]{1,2}([.][0-9]+)?)?' -%}
    {%- set offset = 'Z|UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?' -%}
    [0-9]{4}-[0-9]{2}-[0-9]{2}([T ]{{ time }}( ?({{ offset }}))?)?
{%- endmacro %}

{#- Days between two timestamps, with their fraction. -#}
{% macro days_between(earlier, later) -%}
    {{ adapter.dispatch('days_between')(earlier, later) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    (epoch({{ later }}) - epoch({{ earlier }})) / 86400.0
{%- endmacro %}

{#- Text with a count of units since 1970 to a UTC timestamp; null where it is none, or out of any calendar. -#}
{% macro from_epoch(text, units_per_second=1) -%}
    {{ adapter.dispatch('from_epoch')(text, units_per_second) }}
{%- endmacro %}

{% macro default__from_epoch(text, units_per_second) -%}
    case
        when try_cast({{ text }} as bigint) between 0 and {{ 253402300799 * units_per_second }}
            then make_timestamp(try_cast({{ text }} as bigint) * {{ 1000000 // units_per_second }})
    end
{%- endmacro %}

{#- `2018-01-31 10:00:00 -0500`, as some exports write it, to ISO 8601. -#}
{% macro iso_offset(text) -%}
    regexp_replace(trim({{ text }}), '^(.*[0-9]) ?([+-][0-9]{2}):?([0-9]{2})$', '\1\2:\3')
{%- endmacro %}

{#-
    Whether a received row had landed by the instant that `sincerely … --known-at` names; without it, every row had.
    What came without a time of landing (a table that another loader brought) counts as known all along.
-#}
{% macro known(landed_at='_landed_at') -%}
    {%- if var('known_at', '') -%}
        coalesce({{ landed_at }} <= cast('{{ var("known_at") }}' as timestamp), true)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
