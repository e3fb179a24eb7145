-- Who has since become part of another person has no acts of their own any more: nothing can be said of them.
with scores as (

    select * from {{ ref('stg_models__churn_scores') }}

),

people as (

    select * from {{ ref('people') }}

),

final as (

    select scores.person_id, scores.model_version, scores.churn_probability, scores.scored_at
    from scores
    inner join people
        on scores.person_id = people.person_id

)

select * from final
