left join ml.send_times as send_times on candidates.person_id = send_times.person_id
-- A zone that nobody knows is UTC. Of whom the last night knew nothing, the present hour is the best one.
inner join present_hours
    on present_hours.timezone
    = case when profiles.timezone in (select timezone from send_hours) then profiles.timezone else 'UTC' end
inner join send_hours
    on present_hours.timezone = send_hours.timezone
    and send_hours.hour
    = least(greatest(coalesce(send_times.best_hour, present_hours.hour), /* from_hour */), /* last_hour */)
