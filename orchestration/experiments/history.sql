-- Rates per message whose orders are all known: of the campaign (is_own), of the others, and of all (is_own is null).
with outcomes as (
    select *, campaign = ? as is_own,
    from measurement.message_outcomes
    where sent_at is not null and is_window_over
)

select
    is_own,
    count(*) as messages,
    avg(is_opened_by_human::int) as human_open_rate,
    avg(is_clicked_by_human::int) as click_rate,
    avg(is_converted::int) as conversion_rate,
    avg(converted_amount)::double as revenue_per_recipient,
    stddev_samp(converted_amount)::double as revenue_deviation,
    avg(is_unsubscribed::int) as unsubscribe_rate,
from outcomes
group by grouping sets ((is_own), ())
