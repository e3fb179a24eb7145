with source as (

    select * from {{ source('raw', 'crm_activities') }}

),

people as (

    select contact_id
    from {{ ref('base_crm__contacts') }}
    where _refusal is null
    union
    select customer_id
    from {{ ref('base_shop__orders') }}
    where _refusal is null and customer_id is not null
    union
    select user_id
    from {{ ref('base_web__events') }}
    where _refusal is null and user_id is not null
    union
    select user_id
    from {{ ref('base_segment__events') }}
    where _refusal is null and user_id is not null

),

renamed as (

    select
        nullif(trim(contact_id), '') as contact_id,
        {{ normalised_email('email') }} as email,
        lower(trim(activity)) as activity,
        case when json_valid(properties) then properties end as properties,
        {{ to_utc('occurred_at') }} as occurred_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(contact_id), '') is null and nullif(trim(email), '') is null", "contact_id and email are missing"),
            ("nullif(trim(email), '') is null and trim(contact_id) not in (select contact_id from people)", "contact_id refers to nobody who landed"),
            ("nullif(trim(activity), '') is null", "activity is missing"),
            (is_bad_json('properties'), "properties is no JSON"),
            (to_utc('occurred_at') ~ " is null", "occurred_at is no ISO 8601 time"),
        ]) }} as _refusal,
        {{ copy_number(source('raw', 'crm_activities')) }} as _copy_number
    from source

)

select * from renamed
