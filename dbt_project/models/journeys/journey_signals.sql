with rules as (

    select * from {{ source('raw', 'journey_rules') }}

),

conditions as (

    select * from {{ source('raw', 'journey_conditions') }}

),

segment_transitions as (

    select * from {{ ref('segment_transitions') }} as transitions
    {{ only_changed_journeys('transitions') }}

),

lifecycle_transitions as (

    select * from {{ ref('lifecycle_transitions') }} as transitions
    {{ only_changed_journeys('transitions') }}

),

activity as (

    select * from {{ ref('activity') }} as activity
    {{ only_changed_journeys('activity') }}

),

orders as (

    select * from {{ ref('orders') }} as orders
    {{ only_changed_journeys('orders') }}

),

contactability as (

    select * from {{ ref('contactability') }} as contactability
    {{ only_changed_journeys('contactability') }}

),

people as (

    select * from {{ ref('people') }}

),

wanted as (

    select kind, value
    from rules
    union
    select kind, value
    from conditions

),

happened as (

    select
        person_id,
        case change when 'entered' then 'segment_entered' else 'segment_left' end as kind,
        segment as value,
        changed_at as happened_at
    from segment_transitions
    union all
    select person_id, 'stage_entered', to_stage, changed_at
    from lifecycle_transitions
    union all
    select person_id, 'stage_left', from_stage, changed_at
    from lifecycle_transitions
    where from_stage is not null
    union all
    select person_id, 'event', activity, occurred_at
    from activity
    union all
    select person_id, 'bought', '', ordered_at
    from orders
    where is_purchase
    union all
    select person_id, 'suppressed', '', suppressed_at
    from contactability
    where suppressed_at is not null

),

final as (

    select happened.person_id, happened.kind, happened.value, happened.happened_at
    from happened
    inner join wanted
        on happened.kind = wanted.kind and happened.value = wanted.value
    inner join people
        on happened.person_id = people.person_id
    where happened.happened_at <= {{ as_of() }}
    group by happened.person_id, happened.kind, happened.value, happened.happened_at

)

select * from final
