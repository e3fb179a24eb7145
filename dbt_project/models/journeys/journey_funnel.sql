with journeys as (

    select * from {{ source('raw', 'journeys') }}

),

schedule as (

    select * from {{ ref('journey_schedule') }}

),

entries as (

    select * from {{ ref('journey_entries') }}

),

steps as (

    select * from {{ ref('journey_steps_taken') }}

),

handovers as (

    select * from {{ ref('stg_outbox__handovers') }}

),

-- What this run handed over is sent, whatever the build before it could know.
standings as (

    select
        steps.journey,
        steps.step,
        case when steps.state = 'due' and handovers.state in ('accepted', 'unknown') then 'sent' else steps.state end as state
    from steps
    left join handovers
        on steps.message_id = handovers.message_id

),

counted as (

    select
        journey,
        step,
        count(*) filter (where state = 'waiting') as waiting_count,
        count(*) filter (where state = 'due') as due_count,
        count(*) filter (where state = 'sent') as sent_count,
        count(*) filter (where state = 'skipped') as skipped_count,
        count(*) filter (where state = 'exited') as exited_count
    from standings
    group by journey, step

),

wholes as (

    select
        journey,
        count(*) as entries_count,
        count(*) filter (where entry_number = 1) as people_count,
        count(*) filter (where exited_at is null) as in_journey_count,
        count(*) filter (where exit_reason = 'completed') as completed_count,
        count(*) filter (where exit_reason <> 'completed') as exited_count,
        count(goal_reached_at) as goal_count
    from entries
    group by journey

),

final as (

    select
        journeys.journey,
        0 as step_number,
        cast(null as varchar) as step,
        cast(null as varchar) as campaign,
        coalesce(wholes.entries_count, 0) as entries_count,
        coalesce(wholes.people_count, 0) as people_count,
        coalesce(wholes.in_journey_count, 0) as waiting_count,
        0 as due_count,
        0 as sent_count,
        0 as skipped_count,
        coalesce(wholes.exited_count, 0) as exited_count,
        coalesce(wholes.completed_count, 0) as completed_count,
        coalesce(wholes.goal_count, 0) as goal_count
    from journeys
    left join wholes
        on journeys.journey = wholes.journey
    union all
    select
        schedule.journey,
        schedule.step_number,
        schedule.step,
        schedule.campaign,
        coalesce(wholes.entries_count, 0),
        coalesce(wholes.people_count, 0),
        coalesce(counted.waiting_count, 0),
        coalesce(counted.due_count, 0),
        coalesce(counted.sent_count, 0),
        coalesce(counted.skipped_count, 0),
        coalesce(counted.exited_count, 0),
        null,
        null
    from schedule
    left join counted
        on schedule.journey = counted.journey and schedule.step = counted.step
    left join wholes
        on schedule.journey = wholes.journey

)

select * from final
