{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[{'changes': 'changed_people', 'matching': {'person_id': 'person_id'}}],
) }}

with decisions as (

    select * from {{ ref('consent_decisions') }} as decisions
    {{ only_changed_people('decisions') }}

),

-- At the same instant, the withdrawal counts.
final as (

    select
        person_id,
        purpose,
        is_granted,
        decided_at,
        source,
        text_version
    from decisions
    qualify
        row_number() over (
            partition by person_id, purpose
            order by decided_at desc, is_granted, _landed_at desc, _load_id desc, _row desc
        ) = 1

)

select * from final
