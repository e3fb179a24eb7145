-- What is known of a person without their acts. A stage would do for a group too, but it hangs on the very acts that
-- the evaluation holds back.
with people as (

    select * from {{ ref('people') }}

),

contacts as (

    select * from {{ ref('contacts') }}

),

zones as (

    {{ known_time_zones() }}

),

-- Of several contacts, the newest value that is there.
attributes as (

    select
        person_id,
        arg_max(timezone, known_at) as timezone,
        extract(year from {{ as_of() }}) - extract(year from arg_max(birth_date, known_at)) as age
    from (
        select *, {{ contact_known_at() }} as known_at
        from contacts
    ) as contacts
    group by person_id

),

placed as (

    select
        people.person_id,
        coalesce(zones.timezone, 'UTC') as timezone,
        case
            when attributes.age < 35 then 'under 35'
            when attributes.age < 55 then '35 to 54'
            when attributes.age >= 55 then '55 and over'
            else 'of unknown age'
        end as age_band
    from people
    left join attributes
        on people.person_id = attributes.person_id
    left join zones
        on attributes.timezone = zones.timezone

),

final as (

    select person_id, timezone, timezone || ', ' || age_band as group_name
    from placed

)

select * from final
