-- The chosen people's records as planning gets them, with what planning says of the person beside each.
with records as (
    /* records */
),

standings as (
    /* standings */
)

select records.*, standings as standing,
from records
left join standings on records.person_id = standings.person_id
order by records.person_id, records.variant
