{{ config(materialized='incremental', incremental_strategy='refresh') }}

with source as (

    select * from {{ received_rows(source('raw', 'crm_contacts')) }}

),

renamed as (

    select
        trim(contact_id) as contact_id,
        {{ normalised_email('email') }} as email,
        {{ normalised_phone('phone') }} as phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(gender), '') as gender,
        nullif(trim(city), '') as city,
        nullif(trim(region), '') as region,
        nullif(trim(country), '') as country,
        nullif(trim(timezone), '') as timezone,
        nullif(trim(language), '') as language,
        case when json_valid(preferences) then preferences end as preferences,
        signup_source,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        _extra as attributes,
        try_cast(birth_date as date) as birth_date,
        {{ is_true('is_deleted') }} as is_deleted,
        {{ to_utc('signed_up_at') }} as signed_up_at,
        {{ to_utc('updated_at') }} as updated_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(contact_id), '') is null", "contact_id is missing"),
            ("nullif(trim(email), '') is null", "email is missing"),
            ("not " ~ is_email(normalised_email('email')), "email is no address"),
            (to_utc('signed_up_at') ~ " is null", "signed_up_at is no ISO 8601 time"),
            (is_bad_time('updated_at'), "updated_at is no ISO 8601 time"),
            (is_bad_date('birth_date'), "birth_date is no ISO 8601 date"),
            (is_bad_json('preferences'), "preferences is no JSON"),
            (is_bad_boolean('is_deleted'), "is_deleted is neither true nor false"),
        ]) }} as _refusal,
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed
