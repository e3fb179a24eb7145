{% set times = {
    'crm_contacts': 'signed_up_at', 'crm_consents': 'occurred_at', 'crm_activities': 'occurred_at',
    'shop_orders': 'ordered_at', 'web_events': 'occurred_at', 'esp_messages': 'sent_at', 'esp_events': 'occurred_at',
} %}
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

)

select * from final
