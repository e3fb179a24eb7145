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
-- dbt makes it by night; by the hour, delivery reads what there is.
create table if not exists ml.send_times (
    person_id varchar, timezone varchar, best_hour integer, share double, acts_count bigint, basis varchar,
    group_name varchar
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
create table if not exists ml.churn_training_scores (person_id varchar, cutoff timestamp, churn_probability double);
create table if not exists ml.model_figures (
    model varchar, version varchar, part varchar, metric varchar, value double, value_low double, value_high double,
    baseline_value double, as_of timestamp
);
create table if not exists ml.model_decisions (
    model varchar, version varchar, champion_version varchar, decision varchar, reason varchar,
    scoring_version varchar, metric varchar, difference double, difference_low double, difference_high double,
    decided_at timestamp
);
-- Past scores are no derived rows: nothing can make them again.
create schema if not exists raw;
create table if not exists raw.churn_scores (
    person_id varchar, churn_probability double, model_version varchar, scored_at timestamp, _landed_at timestamp
);
-- What campaigns and people say of pace, and what had to wait.
create table if not exists raw.campaign_pacing (
    campaign varchar, sender_domain varchar, cap_per_day bigint, cap_per_week bigint, ignores_caps boolean,
    quiet_from_hour bigint, quiet_until_hour bigint, send_from_hour bigint, send_until_hour bigint,
    lifetime_seconds bigint
);
create table if not exists raw.campaign_controls (
    campaign varchar, occurrence varchar, control varchar, decided_by varchar, decided_at timestamp
);
create table if not exists raw.message_deferrals (
    message_id varchar, campaign varchar, occurrence varchar, person_id varchar, reason varchar, due_at timestamp,
    expires_at timestamp, deferred_at timestamp, _landed_at timestamp
);
create schema if not exists delivery;
create table if not exists delivery.gate (
    campaign varchar, occurrence varchar, check_name varchar, cause varchar, is_held boolean, reason varchar,
    released_by varchar, released_because varchar, released_at timestamp
);
