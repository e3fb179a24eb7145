{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    unique_key='contact_id',
    stale=[{'changes': 'moved_people', 'matching': {'person_id': 'person_id'}}],
) }}

with received as not materialized (

    select * from {{ ref('stg_crm__contacts') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}
    where identifier_type = 'contact_id'

),

{% if is_incremental() %}
wanted as (

    select contact_id
    from received
    where {{ is_news('received', 'signed_up_at', 'updated_at') }}
    union
    select identity_map.identifier
    from identity_map
    inner join {{ ref('moved_people') }} as moved_people
        on identity_map.person_id = moved_people.person_id

),

{% endif %}
latest as (

    select
        *,
        row_number() over (
            partition by contact_id
            order by coalesce(updated_at, signed_up_at) desc, _landed_at desc, _load_id desc, _row desc
        ) as version
    from received
    {%- if is_incremental() %}
    where contact_id in (select wanted.contact_id from wanted)
    {%- endif %}

),

final as (

    select
        identity_map.person_id,
        latest.* exclude (version, _refresh),
        {{ refresh_number() }} as _refresh
    from latest
    inner join identity_map
        on latest.contact_id = identity_map.identifier
    where latest.version = 1

)

select * from final
