-- Training and testing need no more examples than teach and measure well; who is scored is everybody.
with cutoffs as not materialized (

    select * from {{ ref('churn_cutoffs') }}

),

people as (

    select person_id, min(acted_at) as first_acted_at, {{ hash_unit(['person_id']) }} as place
    from {{ ref('churn_acts') }}
    group by person_id

),

counted as (

    select cutoffs.split, count(*) as people_count
    from cutoffs
    inner join people
        on cutoffs.cutoff > people.first_acted_at
    group by cutoffs.split

),

shares as (

    select
        split,
        case
            when split = 'train' then least(1, {{ var('churn_max_training_examples') }} / people_count)
            when split = 'test' then least(1, {{ var('churn_max_test_examples') }} / people_count)
            else 1
        end as share
    from counted

),

final as (

    select
        cutoffs.cutoff,
        cutoffs.split,
        people.person_id,
        people.first_acted_at
    from cutoffs
    inner join shares
        on cutoffs.split = shares.split
    inner join people
        on cutoffs.cutoff > people.first_acted_at
    where people.place < shares.share

)

select * from final
