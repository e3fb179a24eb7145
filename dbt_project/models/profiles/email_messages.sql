{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    unique_key='message_id',
) }}

with received as not materialized (

    select * from {{ ref('stg_esp__messages') }}

),

ours as (

    select * from {{ ref('stg_outbox__messages') }}

),

history as (

    select * from received
    {%- if is_incremental() %}
    where message_id in (
        select news.message_id
        from received as news
        where {{ is_news('news', 'sent_at') }}
    )
    {%- endif %}

),

final as (

    select message_id, email, campaign, sent_at, variant, is_holdout
    from {{ numbered_copies('history', ['message_id'], 'sent_at, _landed_at, _load_id, _row') }}
    where copy_number = 1
    union all
    select message_id, email, campaign, accepted_at as sent_at, variant, is_holdout
    from ours
    where state = 'accepted'

)

select final.*, {{ refresh_number() }} as _refresh
from final
{%- if is_incremental() %}
left join {{ this }} as earlier
    on
        final.message_id = earlier.message_id
        and final.email = earlier.email
        and final.campaign = earlier.campaign
        and final.sent_at = earlier.sent_at
        and final.variant is not distinct from earlier.variant
        and final.is_holdout is not distinct from earlier.is_holdout
where earlier.message_id is null
{%- endif %}
