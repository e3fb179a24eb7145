-- A snapshot a month: twelve a year are enough to see decay, and a million people fit in a file.
insert into raw.churn_scores by name
select
    scores.person_id,
    scores.churn_probability,
    scores.model_version,
    scores.scored_at,
    ? as _landed_at
from ml.churn_predictions as scores
where not exists (
    select 1
    from raw.churn_scores as kept
    where date_trunc('month', kept.scored_at) = date_trunc('month', scores.scored_at)
)
