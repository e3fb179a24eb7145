{#- The outbox's messages in the latest state that was landed into `relation`, as far as planned by as_of. -#}
{% macro latest_outbox_messages(relation) %}
with source as (

    select * from {{ relation }}
    where {{ known() }}

),

renamed as (

    select
        message_id,
        campaign,
        occurrence,
        person_id,
        email,
        variant,
        -- What was handed over after as_of was then still planned.
        case when accepted_at > {{ as_of() }} then 'planned' else state end as state,
        error,
        decisions,
        attempts,
        revision,
        is_holdout,
        planned_at,
        case when accepted_at <= {{ as_of() }} then accepted_at end as accepted_at,
        not_before,
        expires_at
    from source

)

select *
from renamed
where planned_at <= {{ as_of() }}
qualify row_number() over (partition by message_id order by revision desc) = 1
{% endmacro %}
