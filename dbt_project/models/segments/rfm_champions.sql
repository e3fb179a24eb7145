select person_id
from {{ ref('rfm_scores') }}
where
    recency_quintile >= {{ var('rfm_champion_quintile') }}
    and frequency_quintile >= {{ var('rfm_champion_quintile') }}
    and monetary_quintile >= {{ var('rfm_champion_quintile') }}
