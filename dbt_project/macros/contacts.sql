{#- Of several contacts of a person, whose value counts: the newest with one. For arg_max, which skips nulls. -#}
{% macro contact_known_at() -%}
    (coalesce(updated_at, signed_up_at), contact_id)
{%- endmacro %}
