{#- A person is named for their oldest identifier: the name lasts as long as no older one is found. -#}
{% macro person_id(relation) -%}
    md5({{ relation }}.identifier_type || ':' || {{ relation }}.identifier)
{%- endmacro %}

{#- An identifier as it is compared, whatever its type. -#}
{% macro normalised_identifier(type, text) -%}
    case {{ type }}
        when 'email' then {{ normalised_email(text) }}
        when 'phone' then {{ normalised_phone(text) }}
        else trim({{ text }})
    end
{%- endmacro %}

{#- The device of a tenure's identifier: what stands before the time that a later tenure began. -#}
{% macro without_tenure(type, identifier) -%}
    case
        when {{ type }} = 'anonymous_id'
            then regexp_replace({{ identifier }}, '@[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+$', '')
        else {{ identifier }}
    end
{%- endmacro %}

{#- An event's name in our vocabulary: "Product Viewed" is product_viewed. -#}
{% macro event_name(text) -%}
    replace(lower(trim({{ text }})), ' ', '_')
{%- endmacro %}

{#- The contact ids that some good row knows: a contact's, a customer's or a user's; in an incremental refresh only of those
    that `asked`, a query, names. -#}
{% macro known_contact_ids(asked) %}
    {%- for relation, column in [
        (ref('base_crm__contacts'), 'contact_id'), (ref('base_shop__orders'), 'customer_id'),
        (ref('base_web__events'), 'user_id'), (ref('base_segment__events'), 'user_id'),
    ] %}
    {{ 'union' if not loop.first }}
    select {{ column }} as contact_id
    from {{ relation }}
    where
        _refusal is null
        and {{ column }} is not null
        {%- if is_refresh_incremental() %}
        and {{ column }} in ({{ asked }})
        {%- endif %}
    {%- endfor %}
{% endmacro %}
