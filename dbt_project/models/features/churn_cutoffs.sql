{#-
    The last month start whose horizon is over at as_of is the test; training lies before it: the month start that the
    embargo leaves, and steps back from it. A backtest (var churn_backtest_cutoff) names the instant to be tested on, and
    scores nobody.
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

{% if var('churn_backtest_cutoff') -%}
tested as (

    select cast('{{ var("churn_backtest_cutoff") }}' as timestamp) as cutoff

),

trained as (

    select
        tested.cutoff as tested_at,
        tested.cutoff
        - to_months(cast({{ var('churn_embargo_months') }} + 1 as integer))
        - to_days(cast({{ var('churn_training_step_days') }} * steps.n as integer)) as cutoff
    from tested
    cross join range(0, {{ var('churn_training_cutoffs') }}) as steps (n)

),

final as (

    select cutoff, 'test' as split
    from tested
    union all
    -- What is learned from had ended before the instant, however long the horizon.
    select cutoff, 'train' as split
    from trained
    where {{ plus_interval('cutoff', var('churn_horizon_days')) }} <= tested_at

)
{%- else -%}
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
{%- endif %}

select * from final
