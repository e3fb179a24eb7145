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
    where planned_at <= {{ as_of() }}

),

-- A message has one row a revision.
latest as (

    select message_id, max(revision) as revision
    from renamed
    group by message_id

)

select renamed.*
from renamed
semi join latest using (message_id, revision)
{% endmacro %}
