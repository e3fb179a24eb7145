{#-
    A subscription business, told by acts that land as crm/activities: trial_started, subscription_started,
    payment_succeeded, payment_failed, subscription_cancelled. A subscription that is open goes before a trial.

    - trial: `trial_days` from its start, unless it is cancelled before or becomes a subscription.
    - active: a subscription that was started or paid, was not cancelled since, and whose last payment did not fail.
    - past due: from the first failed payment after the last good one, for `past_due_grace_days`.
    - churned: a trial or a subscription that is over. Paying what was due revives one that ended unpaid; after a
      cancellation it takes a new subscription, or a new trial and a payment. A failed payment matters only in a
      subscription.

    At one instant a start counts after a cancellation, as when a plan is changed, and a payment that succeeded after
    one that failed.
-#}
{% macro lifecycle_subscription_stages() -%}
    {{ return(['prospect', 'trial', 'active', 'past_due', 'churned']) }}
{%- endmacro %}

{% macro lifecycle_subscription() %}
    with acts as (

        select person_id, activity, occurred_at
        from activity
        where
            activity in (
                'trial_started', 'subscription_started', 'payment_succeeded', 'payment_failed', 'subscription_cancelled'
            )

    ),

    -- A stage can change when something happens, and where a trial or a time of grace ends.
    moments as (

        select person_id, arrived_at as changed_at, cast(null as varchar) as activity
        from people
        union all
        select person_id, occurred_at, activity
        from acts
        union all
        select person_id, {{ plus_interval('occurred_at', var('trial_days')) }}, null
        from acts
        where activity = 'trial_started'
        union all
        select person_id, {{ plus_interval('occurred_at', var('past_due_grace_days')) }}, null
        from acts
        where activity = 'payment_failed'

    ),

    distinct_moments as (

        select
            person_id,
            changed_at,
            max(case when activity = 'trial_started' then changed_at end) as trial_at,
            max(case when activity = 'subscription_started' then changed_at end) as started_at,
            max(case when activity in ('subscription_started', 'payment_succeeded') then changed_at end) as good_at,
            max(case when activity = 'payment_failed' then changed_at end) as failed_at,
            max(case when activity = 'subscription_cancelled' then changed_at end) as cancelled_at
        from moments
        group by person_id, changed_at

    ),

    latest as (

        select
            person_id,
            changed_at,
            failed_at,
            good_at as paid_at,
            max(trial_at) over past as trial_at,
            max(started_at) over past as started_at,
            max(good_at) over past as good_at,
            max(cancelled_at) over past as cancelled_at
        from distinct_moments
        window past as (
            partition by person_id
            order by changed_at
            rows between unbounded preceding and current row
        )

    ),

    -- After a cancellation, what is paid in or after a new trial opens again; further trials change nothing of that.
    reopened as (

        select
            *,
            max(case when paid_at is not null and trial_at >= cancelled_at then changed_at end) over (
                partition by person_id
                order by changed_at
                rows between unbounded preceding and current row
            ) as reopened_at
        from latest

    ),

    -- A further failure of the same debt gives no further grace.
    standings as (

        select
            *,
            min(case when failed_at > good_at then failed_at end) over (
                partition by person_id, good_at
                order by changed_at
                rows between unbounded preceding and current row
            ) as unpaid_since,
            good_at is not null
            and (
                cancelled_at is null
                or coalesce(started_at >= cancelled_at, false)
                or coalesce(reopened_at >= cancelled_at, false)
            ) as is_open,
            coalesce(trial_at > good_at, trial_at is not null)
            and coalesce(trial_at >= cancelled_at, true)
            and changed_at < {{ plus_interval('trial_at', var('trial_days')) }} as is_on_trial
        from reopened

    )

    select
        person_id,
        changed_at,
        case
            when is_open and unpaid_since is null then 'active'
            when is_open and changed_at < {{ plus_interval('unpaid_since', var('past_due_grace_days')) }} then 'past_due'
            when is_on_trial then 'trial'
            when coalesce(trial_at, good_at, cancelled_at) is not null then 'churned'
            else 'prospect'
        end as stage
    from standings
{% endmacro %}
