with scores as (

    select * from {{ ref('identity_scores') }}

),

decisions as (

    select * from {{ ref('identity_decisions') }}

),

contacts as (

    select contact_id, min(signed_up_at) as signed_up_at
    from {{ ref('stg_crm__contacts') }}
    group by contact_id

),

scored as (

    select scores.contact_id_a, scores.contact_id_b
    from scores
    left join decisions
        on scores.contact_id_a = decisions.contact_id_a and scores.contact_id_b = decisions.contact_id_b
    where scores.match_probability >= {{ var('match_merge_probability') }} and decisions.contact_id_a is null

),

-- Both ways round, to ask who is linked to whom.
links as (

    select contact_id_a as contact_id, contact_id_b as linked_id
    from scored
    union all
    select contact_id_b, contact_id_a
    from scored

),

told_apart as (

    select contact_id_a as contact_id, contact_id_b as other_id
    from decisions
    where decision = 'denied'
    union all
    select contact_id_b, contact_id_a
    from decisions
    where decision = 'denied'

),

-- A third contact that a score links to both of two that a person told apart would join them again.
bridges as (

    select distinct
        least(links.contact_id, links.linked_id) as contact_id_a,
        greatest(links.contact_id, links.linked_id) as contact_id_b
    from told_apart
    inner join links
        on told_apart.contact_id = links.contact_id
    inner join links as others
        on told_apart.other_id = others.contact_id and links.linked_id = others.linked_id

),

matched as (

    select scored.contact_id_a, scored.contact_id_b, 'score' as matched_by
    from scored
    left join bridges
        on scored.contact_id_a = bridges.contact_id_a and scored.contact_id_b = bridges.contact_id_b
    where bridges.contact_id_a is null
    union all
    select contact_id_a, contact_id_b, 'decision'
    from decisions
    where decision = 'confirmed'

),

final as (

    select
        matched.contact_id_a,
        matched.contact_id_b,
        matched.matched_by,
        greatest(one.signed_up_at, other.signed_up_at) as matched_at
    from matched
    inner join contacts as one
        on matched.contact_id_a = one.contact_id
    inner join contacts as other
        on matched.contact_id_b = other.contact_id

)

select * from final
