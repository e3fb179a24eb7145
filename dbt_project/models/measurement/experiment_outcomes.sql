{#- What an arm's people did, as sums from which means and their errors follow; a rate is taken per message. -#}
{% set metrics = {
    'human_open_rate': 'opens', 'click_rate': 'clicks', 'conversion_rate': 'conversions',
    'revenue_per_recipient': 'revenue', 'unsubscribe_rate': 'unsubscribes',
} %}
{#- What also people who got no message can do. -#}
{% set of_holdouts = ['conversion_rate', 'revenue_per_recipient'] %}
{#- What the global hold-out is called to be a campaign of; no campaign's name has a space. -#}
{% set everything = "'every campaign'" %}
with all_outcomes as (

    select * from {{ ref('message_outcomes') }}

),

orders as (

    select * from {{ ref('orders') }}
    where is_purchase

),

outcomes as (

    select *, case when is_holdout then 'holdout' else variant end as arm
    from all_outcomes
    -- A global hold-out differs by all that it did not get, not by this campaign.
    where holdout_kind is distinct from 'global'

),

campaigns as (

    select campaign, max(holdout_share) as holdout_share
    from {{ source('raw', 'campaigns') }}
    group by campaign

),

variants as (

    select * from {{ source('raw', 'campaign_variants') }}

),

-- Assignment hangs on the person, so the person is what is counted, however many messages the campaign has sent.
-- Two people of different arms who turned out to be one belong to neither.
people as (

    select
        campaign,
        min(arm) as arm,
        person_id,
        cast(count(*) as double) as messages,
        cast(count(*) filter (where is_opened_by_human) as double) as opens,
        cast(count(*) filter (where is_clicked_by_human) as double) as clicks,
        cast(count(*) filter (where is_converted) as double) as conversions,
        cast(sum(converted_amount) as double) as revenue,
        cast(count(*) filter (where is_unsubscribed) as double) as unsubscribes,
        min(assigned_at) as assigned_at,
        bool_and(is_window_over) as is_window_over
    from outcomes
    group by campaign, person_id
    having count(distinct arm) = 1

),

-- Without a second arm there is nothing to compare.
experiments as (

    select campaign
    from people
    group by campaign
    having count(distinct arm) > 1

),

-- The global hold-out against whoever may get mail: once for each person, from the day on which the first message was
-- sent or withheld, whatever the campaign.
first_assigned as (

    select
        all_outcomes.person_id,
        case when bool_or(all_outcomes.holdout_kind is not distinct from 'global') then 'holdout' else 'all' end as arm,
        min(all_outcomes.assigned_at) as assigned_at,
        bool_and(all_outcomes.is_window_over) as is_window_over
    from all_outcomes
    inner join campaigns
        on all_outcomes.campaign = campaigns.campaign
    group by all_outcomes.person_id

),

spent as (

    select first_assigned.person_id, sum(orders.net_amount) as spent_amount
    from first_assigned
    inner join orders
        on first_assigned.person_id = orders.person_id and orders.ordered_at >= first_assigned.assigned_at
    group by first_assigned.person_id

),

globally as (

    select
        {{ everything }} as campaign,
        first_assigned.arm,
        first_assigned.person_id,
        1.0 as messages,
        cast(spent.person_id is not null as double) as conversions,
        cast(coalesce(spent.spent_amount, 0) as double) as revenue,
        first_assigned.assigned_at,
        first_assigned.is_window_over
    from first_assigned
    left join spent
        on first_assigned.person_id = spent.person_id

),

arms as (

    select people.*
    from people
    inner join experiments
        on people.campaign = experiments.campaign
    union all by name
    select people.* replace ('all' as arm)
    from people
    inner join experiments
        on people.campaign = experiments.campaign
    where people.arm <> 'holdout'
    union all by name
    select *
    from globally
    where (select count(distinct everyone.arm) from globally as everyone) = 2

),

summed_up as (

    {% for metric, acts in metrics.items() %}
    select
        campaign,
        arm,
        '{{ metric }}' as metric,
        count(*) as people_count,
        sum(messages) as messages_sum,
        sum(messages * messages) as messages_squares,
        sum({{ acts }}) as acts_sum,
        sum({{ acts }} * {{ acts }}) as acts_squares,
        sum({{ acts }} * messages) as acts_messages,
        min(assigned_at) as started_at,
        bool_and(is_window_over) as is_final
    from arms
    {%- if metric not in of_holdouts %}
    where arm <> 'holdout' and campaign <> {{ everything }}
    {%- endif %}
    group by campaign, arm
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- The share of the people that the campaign's file draws for each arm; of another system's campaigns nobody knows.
final as (

    select
        summed_up.campaign,
        summed_up.arm,
        summed_up.metric,
        summed_up.people_count,
        summed_up.messages_sum,
        summed_up.messages_squares,
        summed_up.acts_sum,
        summed_up.acts_squares,
        summed_up.acts_messages,
        case
            when summed_up.campaign = {{ everything }} and summed_up.arm = 'holdout' then {{ var('global_holdout_share') }}
            when summed_up.campaign = {{ everything }} then 1 - {{ var('global_holdout_share') }}
            when summed_up.arm = 'holdout' then campaigns.holdout_share
            when summed_up.arm = 'all' then 1 - campaigns.holdout_share
            else (variants.to_share - variants.from_share) * (1 - campaigns.holdout_share)
        end as expected_share,
        -- The first of the variants is what the others are held against.
        case
            when summed_up.arm not in ('holdout', 'all')
                then
                    row_number() over (
                        partition by
                            summed_up.campaign, summed_up.metric, summed_up.arm in ('holdout', 'all')
                        order by variants.from_share nulls last, summed_up.arm
                    )
        end as variant_number,
        summed_up.started_at,
        summed_up.is_final
    from summed_up
    left join campaigns
        on summed_up.campaign = campaigns.campaign
    left join variants
        on summed_up.campaign = variants.campaign and summed_up.arm = variants.variant

)

select * from final
