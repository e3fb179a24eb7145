select person_id
from {{ ref('activity') }}
where is_engagement and occurred_at > {{ ago(2 * var('engaged_days')) }}
group by person_id
having
    count(*) filter (where occurred_at <= {{ ago(var('engaged_days')) }}) >= {{ var('declining_acts') }}
    and count(*) filter (where occurred_at > {{ ago(var('engaged_days')) }})
    <= {{ var('declining_share') }} * count(*) filter (where occurred_at <= {{ ago(var('engaged_days')) }})
