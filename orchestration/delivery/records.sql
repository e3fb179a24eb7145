-- One row per message to be planned: the person's profile, the rule that won in each slot, and the products.
with decisions as (
    select p.person_id, /* rules */ as rules,
    from core.profiles as p
),

listed as (
    select
        recommendations.person_id,
        recommendations.list,
        list(
            {
                'rank': recommendations.rank,
                'list': recommendations.list,
                'product_id': products.product_id,
                'name': products.name,
                'category': products.category,
                'price': products.price_amount,
                'currency': products.currency,
                'url': products.product_url,
                'image_url': products.image_url,
                'reason': recommendations.reason,
                'model_version': recommendations.model_version
            }
            order by recommendations.rank
        ) as recommendations,
    from ml.recommendations as recommendations
    inner join core.products as products on recommendations.product_id = products.product_id
    where (recommendations.list = ? /* lists */) and recommendations.rank <= ?
    group by recommendations.person_id, recommendations.list
)

select
    candidates.message_id,
    candidates.campaign,
    candidates.occurrence,
    candidates.variant,
    candidates.is_holdout,
    candidates.exclusion_reason,
    profiles.* replace (coalesce(profiles.currency, 'USD') as currency, profiles.topics::json::varchar[] as topics),
    decisions.rules,
    listed.recommendations,
    /* event */
    candidates.not_before,
    candidates.expires_at,
    candidates.quiet_hours,
from core.message_candidates as candidates
inner join core.profiles as profiles on candidates.person_id = profiles.person_id
inner join decisions on candidates.person_id = decisions.person_id
left join listed on candidates.person_id = listed.person_id and listed.list = /* list */
/* events */
where
    candidates.campaign = ?
    and (candidates.occurrence = ? or candidates.is_carried_over or candidates.journey is not null)
    and not candidates.is_planned
    and (candidates.exclusion_reason is null or candidates.is_holdout)
-- Messages of one hour wait together.
order by candidates.not_before nulls first, candidates.message_id
