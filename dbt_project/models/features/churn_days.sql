-- Many events become few rows before any cutoff looks at them. A day is one of UTC.
with activity as (

    select * from {{ ref('activity') }}

),

email_messages as (

    select * from {{ ref('email_messages') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

cutoffs as (

    select min(cutoff) as first_cutoff from {{ ref('churn_cutoffs') }}

),

-- Nothing that is older than the widest window before the first cutoff is ever looked at.
acts as (

    select
        activity.person_id,
        cast(activity.occurred_at as date) as occurred_on,
        count(case when activity.channel = 'web' then 1 end) as web_acts_count,
        count(case when activity.activity = 'email_opened' then 1 end) as opens_count,
        count(case when activity.activity = 'email_clicked' then 1 end) as clicks_count,
        count(case when activity.activity = 'coupon_redeemed' then 1 end) as coupons_count
    from activity
    cross join cutoffs
    where
        activity.occurred_at < {{ as_of() }}
        and activity.occurred_at >= {{ minus_interval('cutoffs.first_cutoff', 90) }}
        and (activity.channel = 'web' or activity.activity in ('email_opened', 'email_clicked', 'coupon_redeemed'))
    group by activity.person_id, cast(activity.occurred_at as date)

),

messages as (

    select
        identity_map.person_id,
        cast(email_messages.sent_at as date) as occurred_on,
        count(*) as messages_count
    from email_messages
    inner join identity_map
        on email_messages.email = identity_map.identifier and identity_map.identifier_type = 'email'
    cross join cutoffs
    where
        email_messages.sent_at < {{ as_of() }}
        and email_messages.sent_at >= {{ minus_interval('cutoffs.first_cutoff', 90) }}
    group by identity_map.person_id, cast(email_messages.sent_at as date)

),

final as (

    select
        coalesce(acts.person_id, messages.person_id) as person_id,
        coalesce(acts.occurred_on, messages.occurred_on) as occurred_on,
        coalesce(acts.web_acts_count, 0) as web_acts_count,
        coalesce(acts.opens_count, 0) as opens_count,
        coalesce(acts.clicks_count, 0) as clicks_count,
        coalesce(acts.coupons_count, 0) as coupons_count,
        coalesce(messages.messages_count, 0) as messages_count
    from acts
    full outer join messages
        on acts.person_id = messages.person_id and acts.occurred_on = messages.occurred_on

)

select * from final
