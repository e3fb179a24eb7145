with events as not materialized (

    select * from {{ ref('events') }}
    where is_open

),

profiles as not materialized (

    select * from {{ ref('profiles') }}

),

time_zones as (

    {{ known_time_zones() }}

),

-- The topics that people say they like, in the order in which they name them.
topics as (

    {{ json_items('profiles', 'person_id', 'topics', 'topic', 'place') }}

),

interests as (

    select
        topics.person_id,
        topics.topic,
        topics.place,
        profiles.city,
        profiles.region,
        profiles.country,
        profiles.timezone
    from topics
    inner join profiles
        on topics.person_id = profiles.person_id

),

-- An event that takes place somewhere is for those who live there; one without a place is for all.
matched as (

    select interests.*, events.event_id, events.starts_at
    from interests
    inner join events
        on
            lower(trim(interests.topic)) = events.topic
            and (events.city is null or lower(events.city) = lower(interests.city))
            and (events.region is null or lower(events.region) = lower(interests.region))
            and (events.country is null or lower(events.country) = lower(interests.country))

),

-- One for each person: of the topic that they name first, the soonest.
chosen as (

    select *
    from matched
    qualify row_number() over (partition by person_id order by place, starts_at, event_id) = 1

),

final as (

    select
        chosen.person_id,
        chosen.event_id,
        events.topic as event_topic,
        events.name as event_name,
        events.city as event_city,
        events.url as event_url,
        -- The day that a calendar shows where it takes place, or else where the person lives.
        cast({{ local_time('events.starts_at', "coalesce(events.timezone, time_zones.timezone, 'UTC')") }} as date) as event_date,
        events.starts_at
    from chosen
    inner join events
        on chosen.event_id = events.event_id
    left join time_zones
        on chosen.timezone = time_zones.timezone

)

select * from final
