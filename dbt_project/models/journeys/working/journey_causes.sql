with journeys as (

    select * from {{ source('raw', 'journeys') }}

),

rules as (

    select * from {{ source('raw', 'journey_rules') }}

),

signals as (

    select * from {{ ref('journey_signals') }}

),

messages as (

    select * from {{ ref('journey_messages') }} as messages
    {{ only_changed_journeys('messages') }}

),

-- What the outbox says of an entry is a fact: it stays one when its cause is taken back, or turns out to be older.
found as (

    select rules.journey, signals.person_id, signals.happened_at as entered_at
    from signals
    inner join rules
        on signals.kind = rules.kind and signals.value = rules.value
    inner join journeys
        on rules.journey = journeys.journey
    where rules.role = 'entry' and coalesce(signals.happened_at >= journeys.starts_at, true)
    union
    select journey, person_id, entered_at
    from messages

),

-- One number for each of them, for what follows to join on; the same in every build.
final as (

    select
        hash(journey, person_id, entered_at) as entry_key,
        journey,
        person_id,
        entered_at
    from found

)

select * from final
