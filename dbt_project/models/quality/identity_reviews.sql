with scores as (

    select * from {{ ref('identity_scores') }}

),

decisions as (

    select * from {{ ref('identity_decisions') }}

),

contacts as (

    select identifier as contact_id, person_id
    from {{ ref('identity_map') }}
    where identifier_type = 'contact_id'

),

final as (

    select
        scores.contact_id_a,
        scores.contact_id_b,
        one.person_id as person_id_a,
        other.person_id as person_id_b,
        scores.match_probability,
        scores.match_weight,
        scores.first_name_level,
        scores.last_name_level,
        scores.birth_date_level,
        scores.city_level,
        scores.phone_level,
        scores.local_part_level
    from scores
    inner join contacts as one
        on scores.contact_id_a = one.contact_id
    inner join contacts as other
        on scores.contact_id_b = other.contact_id
    left join decisions
        on scores.contact_id_a = decisions.contact_id_a and scores.contact_id_b = decisions.contact_id_b
    where
        scores.match_probability >= {{ var('match_review_probability') }}
        and one.person_id <> other.person_id
        and decisions.contact_id_a is null

)

select * from final
