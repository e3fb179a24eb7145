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

    select person_id
    from identity_map
    where
        identifier_type = 'email'
        and identifier in (
            select messages.email
            from messages
            where not messages.is_holdout
        )

)

select person_id
from profiles
where can_email and person_id not in (select mailed.person_id from mailed)
