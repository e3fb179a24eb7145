{#- What a campaign's report lists of one recipient, as a list of structs. -#}
{% macro mailchimp_activities(json) -%}
    {{ adapter.dispatch('mailchimp_activities')(json) }}
{%- endmacro %}

{% macro default__mailchimp_activities(json) -%}
    from_json({{ json }}, '[{"action": "VARCHAR", "type": "VARCHAR", "timestamp": "VARCHAR", "url": "VARCHAR", "ip": "VARCHAR"}]')
{%- endmacro %}

{#- How many of them we cannot read: of no known action, or without a time. -#}
{% macro mailchimp_unreadable_activities(json) -%}
    {{ adapter.dispatch('mailchimp_unreadable_activities')(json) }}
{%- endmacro %}

{% macro default__mailchimp_unreadable_activities(json) -%}
    coalesce(len(list_filter(
        {{ mailchimp_activities(json) }},
        lambda act: coalesce(act.action, '') not in ('sent', 'open', 'click', 'bounce', 'unsub', 'abuse')
        or {{ to_utc('act.timestamp') }} is null
    )), 0)
{%- endmacro %}
