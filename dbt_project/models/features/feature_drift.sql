-- The population stability index: how far the people who are scored lie from those that the model learned from. A tenth
-- of the training rows lies in each bin (fewer bins where many rows are equal), and what is missing has a bin of its own.
with examples as (

    select * from {{ ref('churn_examples') }}

),

training_scores as (

    select * from {{ source('ml', 'churn_training_scores') }}

),

predictions as (

    select * from {{ source('ml', 'churn_predictions') }}

),

people as (

    select * from examples
    where is_in_population and split in ('train', 'score')

),

valued as (

    {% for feature in churn_feature_names() %}
    select '{{ feature }}' as feature, split = 'train' as is_training, cast({{ feature }} as double) as value from people
    union all
    {% endfor %}
    select 'churn_probability' as feature, true as is_training, churn_probability as value from training_scores
    union all
    select 'churn_probability' as feature, false as is_training, predictions.churn_probability as value
    from predictions
    inner join people
        on predictions.person_id = people.person_id and people.split = 'score'

),

edges as (

    select
        feature,
        {% for tenth in range(1, 10) %}
        quantile_disc(value, {{ tenth / 10 }}) as edge_{{ tenth }}{{ ',' if not loop.last }}
        {% endfor %}
    from valued
    where is_training
    group by feature

),

binned as (

    select
        valued.feature,
        valued.is_training,
        case
            when valued.value is null then -1
            else
                {% for tenth in range(1, 10) %}
                case when valued.value >= edges.edge_{{ tenth }} then 1 else 0 end{{ ' +' if not loop.last }}
                {% endfor %}
        end as bin
    from valued
    inner join edges
        on valued.feature = edges.feature

),

totals as (

    select
        feature,
        count(case when is_training then 1 end) as training_count,
        count(case when not is_training then 1 end) as scored_count
    from binned
    group by feature

),

counted as (

    select
        feature,
        bin,
        count(case when is_training then 1 end) as training_count,
        count(case when not is_training then 1 end) as scored_count
    from binned
    group by feature, bin

),

-- An empty bin counts as one person in ten thousand: nothing is infinitely far.
shares as (

    select
        counted.feature,
        totals.training_count,
        totals.scored_count,
        greatest(counted.training_count / totals.training_count, 0.0001) as training_share,
        greatest(counted.scored_count / totals.scored_count, 0.0001) as scored_share
    from counted
    inner join totals
        on counted.feature = totals.feature
    where totals.training_count > 0 and totals.scored_count > 0

),

final as (

    select
        feature,
        training_count,
        scored_count,
        round(sum((scored_share - training_share) * ln(scored_share / training_share)), 4) as psi,
        feature in (
            {% for feature in var('psi_growing_features') %}'{{ feature }}', {% endfor %}''
        ) as grows_with_time
    from shares
    group by feature, training_count, scored_count

)

select * from final
