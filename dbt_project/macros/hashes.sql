{#- A number in [0, 1) that depends on the given expressions alone: for assignment to experiments. -#}
{% macro hash_unit(expressions) -%}
    {{ adapter.dispatch('hash_unit')(expressions) }}
{%- endmacro %}

{% macro default__hash_unit(expressions) -%}
    (cast(('0x' || substr(md5({{ expressions | join(" || ':' || ") }}), 1, 12)) as bigint) / 281474976710656.0)
{%- endmacro %}

{#- A suppressed address outlives erasure as this hash; the key is in the home, not in the project. -#}
{% macro email_hash(email, key) -%}
    sha256({{ key }} || ':' || {{ email }})
{%- endmacro %}
