with profiles as (

    select * from {{ ref('profiles') }}

),

messages as (

    select * from {{ ref('email_messages') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

addresses as (

    select profiles.person_id, identity_map.identifier as email
    from profiles
    inner join identity_map
        on profiles.person_id = identity_map.person_id
    where profiles.can_email and identity_map.identifier_type = 'email'

)

select person_id
from addresses
except
select person_id
from addresses
where email in (
    select messages.email
    from messages
    where not messages.is_holdout
)
