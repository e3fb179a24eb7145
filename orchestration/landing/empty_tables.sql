-- What the models and the outbox write, empty until they have: what reads it builds without them.
create schema if not exists ml;
create table if not exists ml.churn_predictions (
    person_id varchar, churn_probability double, risk_band varchar, model_version varchar, scored_at timestamp
);
create table if not exists ml.recommendations (
    person_id varchar, list varchar, rank bigint, product_id varchar, score double, reason varchar,
    model_version varchar
);
create table if not exists ml.churn_evaluations (
    model varchar, version varchar, metric varchar, split varchar, value double, baseline_value double
);
create table if not exists ml.recommendation_evaluations as from ml.churn_evaluations limit 0;
