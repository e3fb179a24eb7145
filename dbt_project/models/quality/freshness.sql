{% set times = {
    'crm_contacts': 'signed_up_at', 'crm_consents': 'occurred_at', 'crm_activities': 'occurred_at',
    'shop_orders': 'ordered_at', 'web_events': 'occurred_at', 'esp_messages': 'sent_at', 'esp_events': 'occurred_at',
    'segment_events': 'occurred_at', 'ga4_events': 'occurred_at', 'shopify_orders': 'ordered_at',
    'sendgrid_events': 'occurred_at', 'mailchimp_events': 'occurred_at',
} %}
{%- set switched = [] -%}
{%- for source_name, entity in third_party_entities() -%}
    {%- do switched.append("'" ~ source_name ~ '_' ~ entity ~ "'") -%}
{%- endfor %}
with newest as (

    {% for entity, column in times.items() %}
    select '{{ entity }}' as entity, max({{ column }}) as newest_at, count(*) as rows_count
    from {{ ref('stg_' ~ entity | replace('_', '__', 1)) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        entity,
        rows_count,
        newest_at,
        {{ days_between('newest_at', as_of()) }} as age_days
    from newest
    -- A third party's shape that nobody uses is not missing.
    where rows_count > 0 or entity not in ({{ switched | join(', ') }})

)

select * from final
