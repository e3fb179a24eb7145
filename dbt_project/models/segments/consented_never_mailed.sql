with profiles as (

    select * from {{ ref('profiles') }}

),

messages as (

    select * from {{ ref('email_messages') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

),

mailed as (

    select identity_map.person_id
    from messages
    inner join identity_map
        on messages.email = identity_map.identifier and identity_map.identifier_type = 'email'
    where not messages.is_holdout
    group by identity_map.person_id

)

select profiles.person_id
from profiles
left join mailed
    on profiles.person_id = mailed.person_id
where profiles.can_email and mailed.person_id is null
