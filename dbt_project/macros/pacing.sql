{#- One message's identity: it hangs on the person and the campaign's occurrence, and on nothing else. -#}
{% macro message_id(campaign, occurrence, person_id) -%}
    md5({{ campaign }} || '|' || {{ occurrence }} || '|' || {{ person_id }})
{%- endmacro %}

{#-
    Whether mail to a normalised address can arrive with a person: RFC 5321's lengths, no empty label, a top-level domain
    that is none of those that no server is under, and none of the names that read nothing or are a server's own.
-#}
{% macro is_mailable(email) -%}
    (
        {{ is_email(email) }}
        and length(split_part({{ email }}, '@', 1)) <= 64
        and split_part({{ email }}, '@', 1) not like '.%'
        and split_part({{ email }}, '@', 1) not like '%.'
        and {{ email }} not like '%..%'
        and not regexp_matches(
            split_part({{ email }}, '@', 2),
            '(^|[.])-|-([.]|$)|[.][0-9]+$|(^|[.])[^.]{64,}([.]|$)|[.](invalid|localhost|local)$'
        )
        and not regexp_matches(
            {{ email }},
            '^(no-?reply|do-?not-?reply|no_reply|mailer-daemon|postmaster|abuse|bounces?|devnull|null|root|hostmaster)@'
        )
    )
{%- endmacro %}

{#- The hours of var quiet_hours, such as 21-8, as [from, until); the same twice where it is "". -#}
{% macro quiet_hours() -%}
    {%- set text = var('quiet_hours') | string -%}
    {%- if not text -%}{{ return([0, 0]) }}{%- endif -%}
    {%- set hours = text.split('-') -%}
    {%- if hours | length != 2 or not (hours[0] | trim).isdigit() or not (hours[1] | trim).isdigit()
        or hours[0] | int > 23 or hours[1] | int > 23 -%}
        {{ exceptions.raise_compiler_error('var quiet_hours is "' ~ text ~ '"; write two hours from 0 to 23, such as 21-8, or ""') }}
    {%- endif -%}
    {{ return([hours[0] | int, hours[1] | int]) }}
{%- endmacro %}

{#- Whether an hour is from one on and before another, over midnight or not; no hour where the two are equal. -#}
{% macro is_quiet(hour, from_hour, until_hour) -%}
    case
        when {{ from_hour }} < {{ until_hour }} then {{ hour }} >= {{ from_hour }} and {{ hour }} < {{ until_hour }}
        when {{ from_hour }} > {{ until_hour }} then {{ hour }} >= {{ from_hour }} or {{ hour }} < {{ until_hour }}
        else false
    end
{%- endmacro %}

{#-
    The schedules of var warm_up as rows (sender_domain, day_on, allowance), a day of UTC each; none after a schedule's
    end. A domain's schedule has `starts_on` and either `daily`, a list of totals, or `first` and `until`: twice as many
    each day, up to that.
-#}
{% macro warm_up_days() -%}
    {%- set rows = [] -%}
    {%- for domain, schedule in (var('warm_up') or {}).items() -%}
        {%- set totals = (schedule.get('daily') or []) | list -%}
        {%- if schedule.get('first') and schedule.get('until') -%}
            {%- for n in range(40) if schedule['first'] * 2 ** n < schedule['until'] -%}
                {%- do totals.append(schedule['first'] * 2 ** n) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- if not totals or not schedule.get('starts_on') -%}
            {{ exceptions.raise_compiler_error('var warm_up: ' ~ domain ~ ' needs starts_on and either daily, a list of totals, or first and until') }}
        {%- endif -%}
        {%- for total in totals -%}
            {%- do rows.append("select '" ~ domain ~ "' as sender_domain, cast('" ~ schedule['starts_on'] ~ "' as date) + " ~ loop.index0 ~ ' as day_on, ' ~ total | int ~ ' as allowance') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if rows -%}
        {{ rows | join('\n    union all\n    ') }}
    {%- else -%}
        select cast(null as varchar) as sender_domain, cast(null as date) as day_on, cast(null as bigint) as allowance
        where false
    {%- endif -%}
{%- endmacro %}
