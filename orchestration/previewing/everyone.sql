-- Everyone whom a preview may show without being asked for them: who has an address and did not ask to be left alone.
select profiles.person_id, profiles.email, coalesce(own.variant, /* variant */) as variant
from core.profiles as profiles
left join (/* standings */) as own on profiles.person_id = own.person_id
where profiles.can_email
