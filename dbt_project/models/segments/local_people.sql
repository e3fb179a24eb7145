select person_id
from {{ ref('profiles') }}
where city = '{{ var("local_city") }}'
