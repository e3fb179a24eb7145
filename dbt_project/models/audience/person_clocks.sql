{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with people as (

    select * from {{ ref('people') }} as people
    {{ only_changed_people('people') }}

),

contacts as (

    select * from {{ ref('contacts') }} as contacts
    {{ only_changed_people('contacts') }}

),

zones as (

    {{ known_time_zones() }}

),

-- Of several contacts, the newest value that is there.
said as (

    select person_id, arg_max(timezone, known_at) as timezone
    from (
        select person_id, timezone, {{ contact_known_at() }} as known_at
        from contacts
        where timezone is not null
    ) as contacts
    group by person_id

),

final as (

    select
        people.person_id,
        coalesce(zones.timezone, nullif('{{ var("default_timezone") }}', ''), 'UTC') as timezone,
        zones.timezone is not null or '{{ var("default_timezone") }}' <> '' as is_known
    from people
    left join said
        on people.person_id = said.person_id
    left join zones
        on said.timezone = zones.timezone

)

select * from final
