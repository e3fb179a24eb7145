{#- The outbox's messages in the latest state that was landed into `relation`, as far as planned by as_of. -#}
{% macro latest_outbox_messages(relation) %}
with source as (

    select * from {{ relation }}

),

renamed as (

    select
        message_id,
        campaign,
        occurrence,
        person_id,
        email,
        variant,
        state,
        error,
        decisions,
        attempts,
        revision,
        is_holdout,
        planned_at,
        accepted_at
    from source

)

select *
from renamed
where planned_at <= {{ as_of() }}
qualify row_number() over (partition by message_id order by revision desc) = 1
{% endmacro %}
