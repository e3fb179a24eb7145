-- One row per person whom planning considered for the campaign: the best of their candidacies.
select *
from core.message_candidates
where campaign = /* campaign */ and (occurrence = /* occurrence */ or is_carried_over or journey is not null)
qualify
    row_number() over (
        partition by person_id
        order by exclusion_reason is not null and not is_holdout, is_holdout, occurrence
    ) = 1
