{#- Assignment to hold-outs hangs on the person alone, salted, so that it is stable and independent between campaigns. -#}
{% macro is_global_holdout(person_id) -%}
    {#- A hash of a million people takes a second: none is made where nobody is held out. -#}
    {%- if var('global_holdout_share') | float > 0 -%}
        ({{ hash_unit(["'global-holdout'", person_id]) }} < {{ var('global_holdout_share') }})
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{% macro is_campaign_holdout(campaign, person_id, share) -%}
    case when {{ share }} > 0 then {{ hash_unit(["'holdout'", campaign, person_id]) }} < {{ share }} else false end
{%- endmacro %}
