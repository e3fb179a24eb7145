with received as (

    select * from {{ ref('stg_crm__contacts') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

latest as (

    select
        *,
        row_number() over (
            partition by contact_id
            order by coalesce(updated_at, signed_up_at) desc, _landed_at desc, _load_id desc, _row desc
        ) as version
    from received

),

final as (

    select
        identity_map.person_id,
        latest.* exclude (version)
    from latest
    inner join identity_map
        on
            latest.contact_id = identity_map.identifier
            and identity_map.identifier_type = 'contact_id'
    where latest.version = 1

)

select * from final
