-- Whether all that earlier builds found in the segments that are due is noted, up to the refresh before the last one.
select not exists (
    select 1
    from due_segments
    left join (
        select segment, max(observed_at) as observed_at
        from raw.segment_observations
        group by segment
    ) as noted using (segment)
    where
        noted.observed_at is null
        or noted.observed_at is distinct from (
            select as_of from core.refreshes
            order by refresh desc
            limit 1 offset 1
        )
)
