{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'identity_map'}}}) }}
-- Two contacts that a person told apart are joined all the same: by an identifier that both gave (cut that link), or by
-- a chain of others (deny one of its pairs too).
select decisions.contact_id_a, decisions.contact_id_b
from {{ ref('identity_decisions') }} as decisions
inner join {{ ref('identity_map') }} as one
    on decisions.contact_id_a = one.identifier and one.identifier_type = 'contact_id'
inner join {{ ref('identity_map') }} as other
    on decisions.contact_id_b = other.identifier and other.identifier_type = 'contact_id'
where decisions.decision = 'denied' and one.person_id = other.person_id
