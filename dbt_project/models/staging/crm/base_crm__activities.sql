{{ config(materialized='incremental', incremental_strategy='refresh', unique_key=['_load_id', '_row']) }}

with source as (

    select * from {{ received_rows(source('raw', 'crm_activities'), revived='contact_id refers to nobody who landed') }}

),

people as (

    {{ known_contact_ids('select trim(source.contact_id) from source') }}

),

renamed as (

    select
        nullif(trim(contact_id), '') as contact_id,
        {{ normalised_email('email') }} as email,
        {{ event_name('activity') }} as activity,
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
        _copy_number,
        _content,
        _refresh
    from source

)

select * from renamed
