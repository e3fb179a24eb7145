-- One row per campaign that too many of those whom it reached lately called spam (delivery.complaint_rates).
select campaign, 'complaint rate' as cause, reason
from delivery.complaint_rates
where is_paused
