{#- Assignment to hold-outs hangs on the person alone, salted, so that it is stable and independent between campaigns. -#}
{% macro is_global_holdout(person_id) -%}
    {{ hash_unit(["'global-holdout'", person_id]) }} < {{ var('global_holdout_share') }}
{%- endmacro %}

{% macro is_campaign_holdout(campaign, person_id, share) -%}
    {{ hash_unit(["'holdout'", campaign, person_id]) }} < {{ share }}
{%- endmacro %}
