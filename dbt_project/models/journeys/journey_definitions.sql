-- Built after changed_journeys has held the files of the journeys against those of the last refresh.
-- depends_on: {{ ref('changed_journeys') }}
with final as (

    select ({{ journey_definition() }}) as definition

)

select * from final
