{% set times = {
    'crm_contacts': 'signed_up_at', 'crm_consents': 'occurred_at', 'crm_activities': 'occurred_at',
    'shop_orders': 'ordered_at', 'web_events': 'occurred_at', 'esp_messages': 'sent_at', 'esp_events': 'occurred_at',
    'segment_events': 'occurred_at', 'ga4_events': 'occurred_at', 'shopify_orders': 'ordered_at',
    'sendgrid_events': 'occurred_at', 'sendgrid_suppressions': 'listed_at', 'mailchimp_events': 'occurred_at',
} %}
{%- set switched = [] -%}
{%- for source_name, entity in third_party_entities() -%}
    {%- do switched.append("'" ~ source_name ~ '_' ~ entity ~ "'") -%}
{%- endfor %}
with newest as (

    {% for entity, column in times.items() %}
    select
        '{{ entity }}' as entity,
        '{{ entity.split("_")[0] }}' as source,
        max({{ column }}) as newest_at,
        count(*) as rows_count
    from {{ ref('stg_' ~ entity | replace('_', '__', 1)) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

limits as (

    {{ limits('freshness_limits') }}

),

aged as (

    select *, {{ days_between('newest_at', as_of()) }} as age_days
    from newest

),

-- The entity's own limits come before its source's, and those before the default.
chosen as (

    select aged.entity, limits.warn_above, limits.fail_above
    from aged
    inner join limits
        on limits.name in (aged.entity, aged.source, 'default')
    qualify
        row_number() over (
            partition by aged.entity
            order by case limits.name when aged.entity then 1 when aged.source then 2 else 3 end
        ) = 1

),

-- An entity that never came has no age, and is not stale.
final as (

    select
        aged.entity,
        aged.rows_count,
        aged.newest_at,
        aged.age_days,
        chosen.warn_above as warn_above_days,
        chosen.fail_above as fail_above_days,
        {{ level('aged.age_days', 'chosen') }} as level,
        {{ level('aged.age_days', 'chosen') }} <> 'ok' as is_stale
    from aged
    inner join chosen
        on aged.entity = chosen.entity
    -- A third party's shape that nobody uses is not missing.
    where aged.rows_count > 0 or aged.entity not in ({{ switched | join(', ') }})

)

select * from final
