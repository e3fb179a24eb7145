-- People as if the campaign were theirs today, in the shape of core.message_candidates: what planning says of those
-- who are in its audience is kept where it does not stand in the way. The ids name no message that was ever promised.
(
    select
        standings.* replace (
            'preview-' || md5(/* campaign */ || '|' || people.person_id || '|' || people.variant) as message_id,
            /* campaign */ as campaign,
            /* occurrence */ as occurrence,
            people.person_id as person_id,
            people.email as email,
            people.variant as variant,
            false as is_holdout,
            false as is_planned,
            cast(null as varchar) as exclusion_reason
        )
    from (/* people */) as people
    left join (/* standings */) as standings on people.person_id = standings.person_id
)
