with journeys as (

    select * from {{ source('raw', 'journeys') }}

),

causes as (

    select * from {{ ref('journey_causes') }}

),

endings as (

    select * from {{ ref('journey_endings') }}

),

-- "After 90 days" lets somebody in again on the very instant; "always" does so after the end.
openings as (

    select journey, person_id, entered_at as at_instant, 1 as place, entered_at as trigger_at, null as of_entry
    from causes
    union all
    select
        causes.journey,
        causes.person_id,
        {{ plus_seconds('endings.ended_at', 'journeys.reentry_seconds') }},
        case journeys.reentry when 'after' then 0 else 2 end,
        null,
        causes.entry_key
    from endings
    inner join causes
        on endings.entry_key = causes.entry_key
    inner join journeys
        on causes.journey = journeys.journey
    where journeys.reentry <> 'never' and endings.ended_at is not null

),

next_entries as (

    select of_entry as entry_key, next_entered_at
    from (
        select
            of_entry,
            min(trigger_at) over (
                partition by journey, person_id
                order by at_instant, place
                rows between current row and unbounded following
            ) as next_entered_at
        from openings
    ) as followed
    where of_entry is not null and next_entered_at is not null

),

final as (

    select
        causes.entry_key,
        causes.journey,
        causes.person_id,
        causes.entered_at,
        endings.ended_at,
        endings.exit_reason,
        endings.exit_step,
        endings.ends_next_at,
        next_entries.next_entered_at,
        row_number() over (
            partition by causes.journey, causes.person_id
            order by causes.entered_at
        ) as trigger_number
    from causes
    inner join endings
        on causes.entry_key = endings.entry_key
    left join next_entries
        on causes.entry_key = next_entries.entry_key

)

select * from final
