select lower(trim(json_extract_string(data, '$.email'))) as email, cast(null as varchar) as purpose, 'suppressed' as reason, cast(null as timestamp) as said_at
from news
where lower(trim(type)) in ('unsubscribe', 'cleaned') and json_valid(data)
