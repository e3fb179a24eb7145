-- Whoever left under one address has left under all of theirs. `words` name addresses, and contacts by their ids. A
-- decision that is older than the one that is built says nothing new.
with said as (

    select email as identifier, purpose, reason, said_at
    from words
    where email is not null

),

found as (

    select others.identifier as email, said.purpose, said.reason
    from said
    inner join core.identity_map as known
        on said.identifier = known.identifier and known.identifier_type in ('email', 'contact_id')
    inner join core.identity_map as others
        on known.person_id = others.person_id and others.identifier_type = 'email'
    left join core.consents as consents
        on known.person_id = consents.person_id and said.purpose = consents.purpose
    where said.purpose is null or consents.decided_at is null or coalesce(said.said_at >= consents.decided_at, true)

),

final as (

    select email, purpose, reason
    from found
    union
    -- An address that nobody is known by yet.
    select identifier, purpose, reason
    from said
    where identifier not in (select identifier from core.identity_map)

)

select email, purpose, min(reason) as reason
from final
group by all
order by all
