-- Each of the chosen people once with each variant.
select profiles.person_id, profiles.email, variants.variant
from core.profiles as profiles
cross join (select unnest(/* variants */) as variant) as variants
where profiles.person_id in (select unnest(/* person_ids */)) and profiles.email is not null
