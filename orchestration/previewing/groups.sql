-- People for whom the campaign does the same, with some of each group: first those who were shown before.
with records as (
    /* records */
),

standings as (
    /* standings */
)

select
    records.rules as rules,
    /* filled */ as filled,
    case
        when standings.person_id is null then 'outside'
        when standings.is_holdout then 'held out'
        when standings.is_deferred then 'waits'
        when standings.exclusion_reason is not null then 'outside'
        else 'gets it'
    end as standing,
    count(*) as people,
    arg_min(
        records.person_id,
        {'is_new': not list_contains(/* shown_before */::varchar[], records.person_id), 'person_id': records.person_id},
        /* least */
    ) as person_ids,
from records
left join standings on records.person_id = standings.person_id
where /* shown */
group by all
