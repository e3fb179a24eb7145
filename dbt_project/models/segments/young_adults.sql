select person_id
from {{ ref('profiles') }}
where
    birth_date <= {{ ago(var('young_adult_from_age'), 'year') }}
    and birth_date > {{ ago(var('young_adult_before_age'), 'year') }}
