{#-
    A set of lifecycle rules is one file beside this one, with two macros named for it:

    - `lifecycle_<name>_stages()` returns the names of its stages, each of which exactly one person is in at a time;
    - `lifecycle_<name>()` is a query (person_id, changed_at, stage) over the CTEs `people`, `activity` and `orders`:
      the stage that a person is in from `changed_at` on, for every instant at which it can change. An instant may
      repeat the stage of the one before; it may lie in the future, as what comes to pass if nothing more happens. It
      hangs on that person's rows alone and reads no as_of, so that the past never depends on when it is told.

    The var `lifecycle_rules` names the set in force.
-#}
{% macro lifecycle_rules() -%}
    {{ lifecycle_macro('') }}
{%- endmacro %}

{% macro lifecycle_stage_names() -%}
    {{ return(lifecycle_macro('_stages')) }}
{%- endmacro %}

{% macro lifecycle_macro(suffix) -%}
    {%- set name = 'lifecycle_' ~ var('lifecycle_rules') -%}
    {%- if name not in context or name ~ '_stages' not in context -%}
        {{ exceptions.raise_compiler_error(
            "lifecycle_rules is '" ~ var('lifecycle_rules') ~ "', but macros/lifecycle/ has no macros " ~ name
            ~ " and " ~ name ~ "_stages; name another set in dbt_project.yml, or add them."
        ) }}
    {%- endif -%}
    {{ return(context[name ~ suffix]()) }}
{%- endmacro %}
