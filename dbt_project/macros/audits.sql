{#- What identifies a record of an entity, for those that have such a thing. -#}
{% macro entity_keys() -%}
    {{ return({
        'crm_contacts': ['contact_id'],
        'crm_events': ['event_id'],
        'shop_products': ['product_id'],
        'shop_orders': ['order_id'],
        'shop_order_lines': ['order_id', 'line_number'],
        'web_events': ['message_id'],
        'esp_messages': ['message_id'],
        'esp_events': ['event_id'],
    }) }}
{%- endmacro %}

{#-
    A var of limits as rows (name, warn_above, fail_above), for example
    {default: {warn: 0, fail: 0.5}, same_order_twice: {warn: 0.01}}. A level that a name leaves out is the
    default's; a null never warns or fails.
-#}
{% macro limits(variable) -%}
    {%- set given = var(variable) -%}
    {%- for name in given %}
    select
        '{{ name }}' as name,
        {%- for level in ['warn', 'fail'] %}
        {%- set limit = given[name][level] if level in given[name] else given['default'][level] %}
        cast({{ 'null' if limit is none else limit }} as double) as {{ level }}_above{{ ',' if not loop.last }}
        {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- What a figure above its limits comes to: ok, warn or fail. -#}
{% macro level(figure, limits='limits') -%}
    case
        when {{ figure }} > {{ limits }}.fail_above then 'fail'
        when {{ figure }} > {{ limits }}.warn_above then 'warn'
        else 'ok'
    end
{%- endmacro %}

{#- A share of 1 as text, in per cent. -#}
{% macro percent(share) -%}
    cast(cast(100 * {{ share }} as decimal(9, 1)) as varchar) || ' %'
{%- endmacro %}
