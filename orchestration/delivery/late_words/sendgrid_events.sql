select lower(trim(email)) as email, cast(null as varchar) as purpose, 'suppressed' as reason, cast(null as timestamp) as said_at
from news
where
    lower(trim(event)) in ('unsubscribe', 'group_unsubscribe', 'spamreport')
    or (lower(trim(event)) = 'bounce' and lower(trim(type)) is distinct from 'blocked')
