select lower(trim(email)) as email, cast(null as varchar) as purpose, 'suppressed' as reason, cast(null as timestamp) as said_at
from news
where
    lower(trim(event)) in ('unsubscribed', 'complained')
    or (lower(trim(event)) = 'bounced' and not coalesce(lower(trim(reason)) similar to '(soft|block|transient|deferred|4[0-9][0-9]).*', false))
