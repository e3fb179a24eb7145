-- One row per campaign and model that it uses whose version in use failed on what has happened since it scored.
with in_use as (
    select 'churn' as model, any_value(model_version) as version
    from ml.churn_predictions
    union all
    select list as model, any_value(model_version) as version
    from ml.recommendations
    group by list
),

newest as (
    select decay.model, decay.version, decay.words, decay.is_decayed,
    from ml.model_decay as decay
    inner join in_use on decay.model = in_use.model and decay.version = in_use.version
    qualify row_number() over (partition by decay.model order by decay.scored_at desc) = 1
)

select
    uses.campaign,
    newest.model || ' ' || newest.version as cause,
    'the model ' || newest.model || ' (' || newest.version || ') has decayed: ' || newest.words as reason,
from (select unnest(from_json(?, '[{"campaign": "varchar", "model": "varchar"}]'), recursive := true)) as uses
inner join newest on uses.model = newest.model
where newest.is_decayed
