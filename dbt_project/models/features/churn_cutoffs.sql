{#-
    The last month start whose horizon is over at as_of is the test; training lies before it: the month start that the
    embargo leaves, and steps back from it.
-#}
with months as (

    select date_trunc('month', {{ as_of() }}) - to_months(cast(numbers.n as integer)) as cutoff
    from range(0, {{ var('churn_embargo_months') }} + 4) as numbers (n)

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
    select finished.cutoff - to_days(cast({{ var('churn_training_step_days') }} * steps.n as integer)) as cutoff, 'train' as split
    from finished
    cross join range(0, {{ var('churn_training_cutoffs') }}) as steps (n)
    where finished.age = 2 + {{ var('churn_embargo_months') }}
    union all
    select {{ as_of() }} as cutoff, 'score' as split

)

select * from final
