{#- The last month start whose horizon is over at as_of is the test; training lies before it, a gap apart. -#}
with months as (

    select date_trunc('month', {{ as_of() }}) - to_months(cast(numbers.n as integer)) as cutoff
    from range(0, {{ var('churn_training_cutoffs') }} + {{ var('churn_embargo_months') }} + 3) as numbers (n)

),

finished as (

    select cutoff, row_number() over (order by cutoff desc) as age
    from months
    where {{ plus_interval('cutoff', var('churn_horizon_days')) }} <= {{ as_of() }}

),

final as (

    select cutoff, 'test' as split
    from finished
    where age = 1
    union all
    select cutoff, 'train' as split
    from finished
    where
        age > 1 + {{ var('churn_embargo_months') }}
        and age <= 1 + {{ var('churn_embargo_months') }} + {{ var('churn_training_cutoffs') }}
    union all
    select {{ as_of() }} as cutoff, 'score' as split

)

select * from final
