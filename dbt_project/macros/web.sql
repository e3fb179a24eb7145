{#- What a visit wants to know of a web event, by the JSON text that says it. -#}
{% macro web_paths() -%}
    {{ return({
        'properties': ['url', 'path', 'referrer', 'name'],
        'context': [
            'page.url', 'page.path', 'page.referrer', 'campaign.source', 'campaign.medium', 'campaign.name',
            'device.type', 'userAgent',
        ],
    }) }}
{%- endmacro %}

{#- All of it from one of the two texts: each is read once, for reading is what costs. -#}
{% macro web_texts(event, column) -%}
    {{ json_texts(event ~ '.' ~ column, web_paths()[column]) }}
{%- endmacro %}

{#- One of them, of an event that has web_texts() of each column as <column>_texts. -#}
{% macro web_text(event, column, path) -%}
    {{ event }}.{{ column }}_texts[{{ web_paths()[column].index(path) + 1 }}]
{%- endmacro %}

{#- The address that a web event shows, whole. -#}
{% macro page_url(event) -%}
    coalesce({{ web_text(event, 'properties', 'url') }}, {{ web_text(event, 'context', 'page.url') }})
{%- endmacro %}

{#- The page of a web event, whose `url` is beside it: the path of its address, or a screen's name. -#}
{% macro page_path(event) -%}
    coalesce(
        {{ web_text(event, 'properties', 'path') }},
        {{ web_text(event, 'context', 'page.path') }},
        nullif(regexp_extract({{ event }}.url, '^[a-z]+://[^/?#]*(/[^?#]*)', 1), ''),
        case when {{ event }}.url is not null then '/' end,
        case when {{ event }}.type in ('page', 'screen') then {{ web_text(event, 'properties', 'name') }} end
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

{#- The kind of device that an event tells, or its user agent: tablet, mobile or desktop. -#}
{% macro device_of(event) -%}
    {%- set agent = web_text(event, 'context', 'userAgent') -%}
    coalesce(
        {{ web_text(event, 'context', 'device.type') }},
        case
            when {{ agent }} is null then null
            when contains({{ agent }}, 'iPad') or contains({{ agent }}, 'Tablet') then 'tablet'
            when contains({{ agent }}, 'Mobi') or contains({{ agent }}, 'iPhone') then 'mobile'
            when contains({{ agent }}, 'Android') then 'tablet'
            else 'desktop'
        end
    )
{%- endmacro %}

{#- On whose visit a web event is: the device's, or the person's own when there is none. -#}
{% macro visitor(event) -%}
    coalesce({{ event }}.tenure_id, {{ event }}.identifier)
{%- endmacro %}
