{#- What keeps a person from churning: `purchase` or `activity`; any other word ends the build. -#}
{% macro churn_definition() -%}
    {%- if var('churn_definition') not in ('purchase', 'activity') -%}
        {{ exceptions.raise_compiler_error("The var churn_definition is 'purchase' or 'activity', not '" ~ var('churn_definition') ~ "'.") }}
    {%- endif -%}
    {{ return(var('churn_definition')) }}
{%- endmacro %}
