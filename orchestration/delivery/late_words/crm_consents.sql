select
    coalesce(nullif(trim(contact_id), ''), lower(trim(email))) as email,
    lower(trim(purpose)) as purpose,
    'no_consent' as reason,
    try_cast(occurred_at as timestamp) as said_at
from news
qualify
    row_number() over (
        partition by coalesce(nullif(trim(contact_id), ''), lower(trim(email))), lower(trim(purpose))
        order by try_cast(occurred_at as timestamp) desc nulls last, lower(trim(action)) desc
    ) = 1
    and lower(trim(action)) = 'withdrawn'
