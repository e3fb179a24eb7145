{#- The entities of the landing zone, as (source, entity). -#}
{% macro entities() -%}
    {{ return([
        ('crm', 'contacts'), ('crm', 'consents'), ('crm', 'activities'), ('crm', 'events'),
        ('shop', 'products'), ('shop', 'orders'), ('shop', 'order_lines'),
        ('web', 'events'), ('esp', 'messages'), ('esp', 'events'),
    ] + third_party_entities()) }}
{%- endmacro %}
