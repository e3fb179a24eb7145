{#- The first check that fails is a row's reason to be refused: [(condition, reason in words), …]. -#}
{% macro refusal(checks) -%}
    case
        {% for condition, reason in checks -%}
        when {{ condition }} then '{{ reason }}'
        {% endfor -%}
    end
{%- endmacro %}

{#- Numbers the exact repeats of a received row from 1, whatever load they came with. -#}
{% macro copy_number_of(columns) -%}
    row_number() over (
        partition by {{ columns | join(', ') }}
        order by _landed_at, _load_id, _row
    )
{%- endmacro %}

{#- The columns of a raw table that were received, without those that landing added. -#}
{% macro content_columns(relation) -%}
    {%- set names = ['_extra'] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) if not column.name.startswith('_') -%}
            {%- do names.append(adapter.quote(column.name)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{#- A received row as JSON. -#}
{% macro row_as_json(relation, alias) -%}
    {{ adapter.dispatch('row_as_json')(relation, alias) }}
{%- endmacro %}

{% macro default__row_as_json(relation, alias) -%}
    json_object(
        {%- for name in content_columns(relation) %}
        '{{ name | replace('"', '') }}', {{ alias }}.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- An address as it is compared everywhere: trimmed, lower case, null when empty. -#}
{% macro normalised_email(text) -%}
    nullif(lower(trim({{ text }})), '')
{%- endmacro %}

{% macro is_email(normalised) -%}
    coalesce(
        regexp_matches({{ normalised }}, '^[^@[:space:]<>,;]+@[^@[:space:]<>,;.]+([.][^@[:space:]<>,;.]+)+$')
        and length({{ normalised }}) <= 254,
        false
    )
{%- endmacro %}

{#- Digits with a leading plus, null when fewer than seven. -#}
{% macro normalised_phone(text) -%}
    case
        when length(regexp_replace({{ text }}, '[^0-9]', '', 'g')) >= 7
            then '+' || regexp_replace({{ text }}, '[^0-9]', '', 'g')
    end
{%- endmacro %}

{#- The checks below let a missing value pass, and empty text is one. -#}
{% macro is_bad_number(text, type) -%}
    (nullif(trim({{ text }}), '') is not null and try_cast({{ text }} as {{ type }}) is null)
{%- endmacro %}

{% macro is_negative(text, type) -%}
    coalesce(try_cast({{ text }} as {{ type }}) < 0, false)
{%- endmacro %}

{% macro is_bad_boolean(text) -%}
    (nullif(trim({{ text }}), '') is not null and try_cast(trim({{ text }}) as boolean) is null)
{%- endmacro %}

{% macro is_bad_time(text) -%}
    (nullif(trim({{ text }}), '') is not null and {{ to_utc(text) }} is null)
{%- endmacro %}

{% macro is_bad_date(text) -%}
    (
        nullif(trim({{ text }}), '') is not null
        and (
            try_cast({{ text }} as date) is null
            or not regexp_matches(trim({{ text }}), '^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([T ][^()]*)?$')
        )
    )
{%- endmacro %}

{% macro is_bad_json(text) -%}
    (nullif(trim({{ text }}), '') is not null and not json_valid({{ text }}))
{%- endmacro %}

{% macro is_true(text) -%}
    coalesce(try_cast(trim({{ text }}) as boolean), false)
{%- endmacro %}
