{#- The address that a web event shows, whole. -#}
{% macro page_url(event) -%}
    coalesce({{ event }}.properties ->> '$.url', {{ event }}.context ->> '$.page.url')
{%- endmacro %}

{#- The page of a web event, whose `url` is beside it: the path of its address, or a screen's name. -#}
{% macro page_path(event) -%}
    coalesce(
        {{ event }}.properties ->> '$.path',
        {{ event }}.context ->> '$.page.path',
        nullif(regexp_extract({{ event }}.url, '^[a-z]+://[^/?#]*(/[^?#]*)', 1), ''),
        case when {{ event }}.url is not null then '/' end,
        case when {{ event }}.type in ('page', 'screen') then {{ event }}.properties ->> '$.name' end
    )
{%- endmacro %}

{#- A parameter of the event's address, null when it has none. -#}
{% macro url_parameter(event, name) -%}
    nullif({{ decoded_url("regexp_extract(" ~ event ~ ".url, '[?&]" ~ name ~ "=([^&#]*)', 1)") }}, '')
{%- endmacro %}

{#- Percent-encoded text as it was meant; null where it is no UTF-8. -#}
{% macro decoded_url(text) -%}
    {{ return(adapter.dispatch('decoded_url')(text)) }}
{%- endmacro %}

{% macro default__decoded_url(text) -%}
    {{ return('try(url_decode(' ~ text ~ '))') }}
{%- endmacro %}

{#- The kind of device that a user agent speaks of: tablet, mobile or desktop. -#}
{% macro device_of(event) -%}
    case
        when {{ event }}.context ->> '$.userAgent' is null then null
        when regexp_matches({{ event }}.context ->> '$.userAgent', 'iPad|Tablet') then 'tablet'
        when regexp_matches({{ event }}.context ->> '$.userAgent', 'Mobi|iPhone') then 'mobile'
        when regexp_matches({{ event }}.context ->> '$.userAgent', 'Android') then 'tablet'
        else 'desktop'
    end
{%- endmacro %}

{#- On whose visit a web event is: the device's, or the person's own when there is none. -#}
{% macro visitor(event) -%}
    coalesce({{ event }}.tenure_id, {{ event }}.identifier)
{%- endmacro %}
