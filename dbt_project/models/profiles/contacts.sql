{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    unique_key='contact_id',
    stale=[{'changes': 'moved_people', 'matching': {'person_id': 'person_id'}}],
) }}

with received as (

    select * from {{ ref('stg_crm__contacts') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

latest as (

    select
        *,
        {%- if is_incremental() %}
        bool_or({{ is_news('received', 'signed_up_at', 'updated_at') }}) over (partition by contact_id) as is_news,
        {%- endif %}
        row_number() over (
            partition by contact_id
            order by coalesce(updated_at, signed_up_at) desc, _landed_at desc, _load_id desc, _row desc
        ) as version
    from received

),

final as (

    select
        identity_map.person_id,
        latest.* exclude (version, _refresh{{ ', is_news' if is_incremental() }}),
        {{ refresh_number() }} as _refresh
    from latest
    inner join identity_map
        on
            latest.contact_id = identity_map.identifier
            and identity_map.identifier_type = 'contact_id'
    where
        latest.version = 1
        {%- if is_incremental() %}
        and (
            latest.is_news
            or identity_map.person_id in (select moved_people.person_id from {{ ref('moved_people') }} as moved_people)
        )
        {%- endif %}

)

select * from final
