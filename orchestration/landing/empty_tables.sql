-- What the models and the outbox write, empty until they have: what reads it builds without them.
create schema if not exists ml;
create table if not exists ml.churn_predictions (
    person_id varchar, churn_probability double, risk_band varchar, method varchar,
    reason_1 varchar, reason_2 varchar, reason_3 varchar, model_version varchar, scored_at timestamp
);
create table if not exists ml.lifetime_values (
    person_id varchar, expected_next_order_at timestamp, expected_orders_count double,
    expected_value_amount decimal(18, 2), probability_alive double, horizon_days bigint, method varchar,
    model_version varchar, scored_at timestamp
);
create table if not exists ml.recommendations (
    person_id varchar, list varchar, rank bigint, product_id varchar, score double, reason varchar,
    method varchar, model_version varchar
);
create table if not exists ml.churn_evaluations (
    model varchar, version varchar, metric varchar, split varchar, value double, baseline_value double,
    value_low double, value_high double
);
-- Homes of earlier versions, until they are trained again.
alter table ml.churn_evaluations add column if not exists value_low double;
alter table ml.churn_evaluations add column if not exists value_high double;
create table if not exists ml.recommendation_evaluations as from ml.churn_evaluations limit 0;
alter table ml.recommendation_evaluations add column if not exists value_low double;
alter table ml.recommendation_evaluations add column if not exists value_high double;
create table if not exists ml.lifetime_evaluations as from ml.churn_evaluations limit 0;
