select person_id
from {{ ref('event_invitations') }}
