{#- GA4's repeated columns as they are in its BigQuery export: lists of structs, held as JSON text. -#}
{% macro ga4_params(json) -%}
    {{ adapter.dispatch('ga4_params')(json) }}
{%- endmacro %}

{% macro default__ga4_params(json) -%}
    list_filter(
        from_json({{ json }}, '[{"key": "VARCHAR", "value": {"string_value": "VARCHAR", "int_value": "VARCHAR", "float_value": "VARCHAR", "double_value": "VARCHAR"}}]'),
        lambda param: param.key is not null
    )
{%- endmacro %}

{#- All parameters as one JSON object of texts; of a key that is there twice, the first. -#}
{% macro ga4_params_as_json(params) -%}
    {{ adapter.dispatch('ga4_params_as_json')(params) }}
{%- endmacro %}

{% macro default__ga4_params_as_json(params) -%}
    cast(to_json(map_from_entries(list_transform(
        list_filter({{ params }}, lambda param, i: list_position(list_transform({{ params }}, lambda other: other.key), param.key) = i),
        lambda param: {
            'key': param.key,
            'value': coalesce(param.value.string_value, param.value.int_value, param.value.double_value, param.value.float_value)
        }
    ))) as varchar)
{%- endmacro %}

{#- The items as Segment's `products`, a JSON list; null when there is none. -#}
{% macro ga4_products(json) -%}
    {{ adapter.dispatch('ga4_products')(json) }}
{%- endmacro %}

{% macro default__ga4_products(json) -%}
    nullif(cast(to_json(list_transform(
        from_json({{ json }}, '[{"item_id": "VARCHAR", "item_name": "VARCHAR", "item_brand": "VARCHAR", "item_variant": "VARCHAR", "item_category": "VARCHAR", "coupon": "VARCHAR", "price": "JSON", "quantity": "JSON", "item_list_index": "VARCHAR"}]'),
        lambda item: json_merge_patch('{}', json_object(
            {%- for name, column in [
                ('product_id', 'item_id'), ('name', 'item_name'), ('brand', 'item_brand'), ('variant', 'item_variant'),
                ('category', 'item_category'), ('coupon', 'coupon'), ('position', 'item_list_index'),
            ] %}
            '{{ name }}', nullif(nullif(item.{{ column }}, '(not set)'), ''),
            {%- endfor %}
            'price', item.price,
            'quantity', item.quantity
        ))
    )) as varchar), '[]')
{%- endmacro %}
