{#- What keeps a person from churning: `purchase` or `activity`; any other word ends the build. -#}
{% macro churn_definition() -%}
    {%- if var('churn_definition') not in ('purchase', 'activity') -%}
        {{ exceptions.raise_compiler_error("The var churn_definition is 'purchase' or 'activity', not '" ~ var('churn_definition') ~ "'.") }}
    {%- endif -%}
    {{ return(var('churn_definition')) }}
{%- endmacro %}

{#- What the churn models look at: the names of ml/churn_features.py, in its order. -#}
{% macro churn_feature_names() -%}
    {{ return([
        'recency_days', 'mean_gap_days', 'sd_gap_days', 'longest_gap_90d_days', 'recent_gap_days',
        'recency_gap_ratio', 'recency_recent_gap_ratio', 'longer_gaps_share', 'far_longer_gaps_share',
        'acts_7d_count', 'acts_14d_count', 'acts_28d_count', 'acts_56d_count', 'acts_90d_count',
        'acts_180d_count', 'acts_count', 'acts_per_day', 'trend_28d_count', 'active_weeks_84d_count',
        'decayed_acts_15d_count', 'decayed_acts_30d_count', 'decayed_acts_60d_count', 'tenure_days',
        'quiet_share', 'recent_quiet_share', 'spent_28d_amount', 'spent_90d_amount', 'decayed_spent_amount',
        'average_order_amount', 'last_order_amount', 'products_count', 'new_products_28d_count',
        'messages_90d_count', 'opens_90d_count', 'clicks_90d_count', 'message_recency_days',
        'open_recency_days', 'coupons_90d_count', 'visit_days_7d_count', 'visit_days_28d_count',
        'visit_days_90d_count', 'visit_recency_days'
    ]) }}
{%- endmacro %}
