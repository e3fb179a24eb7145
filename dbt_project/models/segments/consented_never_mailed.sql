with profiles as (

    select * from {{ ref('profiles') }}

),

messages as (

    select * from {{ ref('email_messages') }}

),

identity_map as (

    select * from {{ ref('identity_map') }}

)

select person_id
from profiles
where
    can_email
    and not exists (
        select 1
        from identity_map
        where
            identity_map.person_id = profiles.person_id
            and identity_map.identifier_type = 'email'
            and identity_map.identifier in (
                select messages.email
                from messages
                where not messages.is_holdout
            )
    )
