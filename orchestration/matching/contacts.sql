-- The latest version of each contact, as matching compares it: letters without accents or capitals, phones by their
-- last nine digits. Parameters: how many contacts may share a phone, and how many a key.
with versions as (

    select
        contact_id,
        is_deleted,
        nullif(regexp_replace(lower(strip_accents(first_name)), '[^\p{L}\p{N}]', '', 'g'), '') as first_name,
        nullif(regexp_replace(lower(strip_accents(last_name)), '[^\p{L}\p{N}]', '', 'g'), '') as last_name,
        cast(birth_date as varchar) as birth_date,
        nullif(regexp_replace(lower(strip_accents(city)), '[^\p{L}\p{N}]', '', 'g'), '') as city,
        right(phone, 9) as phone,
        regexp_replace(split_part(split_part(email, '@', 1), '+', 1), '[^\p{L}\p{N}]', '', 'g') as local_part,
        row_number() over (
            partition by contact_id
            order by coalesce(updated_at, signed_up_at) desc, _landed_at desc, _load_id desc, _row desc
        ) as version
    from staging.stg_crm__contacts

),

-- A name in the address would count twice: what remains of the address without it is what it says besides.
without_names as (

    select
        * exclude (local_part, version),
        replace(replace(local_part, coalesce(last_name, ''), ''), coalesce(first_name, ''), '') as rest
    from versions
    where version = 1 and not is_deleted

),

-- A till's phone says nothing about who a person is, here as in identity_edges.
compared as (

    select
        * exclude (phone, rest, is_deleted),
        case when count(*) over (partition by phone) <= $1 then phone end as phone,
        case when length(rest) >= 3 and regexp_matches(rest, '\p{L}') then rest end as local_part
    from without_names

),

keys as (

    select
        *,
        first_name || ' ' || last_name as key_name,
        first_name || ' ' || birth_date as key_first_birth,
        last_name || ' ' || birth_date as key_last_birth,
        last_name || ' ' || left(first_name, 1) || ' ' || city as key_last_city
    from compared

),

-- A key that many share brings pairs by the square of them and hardly a double: without it, pairs grow with contacts.
final as (

    select
        contact_id,
        first_name,
        last_name,
        birth_date,
        city,
        phone,
        local_part,
        case when count(*) over (partition by key_name) <= $2 then key_name end as key_name,
        case when count(*) over (partition by key_first_birth) <= $2 then key_first_birth end as key_first_birth,
        case when count(*) over (partition by key_last_birth) <= $2 then key_last_birth end as key_last_birth,
        case when count(*) over (partition by key_last_city) <= $2 then key_last_city end as key_last_city,
        case when count(*) over (partition by phone) <= $2 then phone end as key_phone,
        case when count(*) over (partition by local_part) <= $2 then local_part end as key_local
    from keys

)

select * from final
order by contact_id
