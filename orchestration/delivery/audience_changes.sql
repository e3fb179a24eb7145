-- What is to be told to an ESP that keeps an audience: one row per member who is new, changed or gone since the last
-- time, a member being the MD5 of their lower-case address. `kept` is what it was told by then.
with tags as (

    select
        person_id,
        list_sort(list(distinct segment)) as segments
    from core.segment_memberships
    where segment in (select unnest(?))
    group by person_id

),

people as (

    select
        person_id,
        lower(trim(email)) as email,
        to_json({
            FNAME: first_name,
            CITY: city,
            REGION: region,
            COUNTRY: country,
            STAGE: lifecycle_stage,
            ENGAGEMENT: engagement_level,
            ORDERS: orders_count,
            SPENT: total_spent_amount,
            LASTBOUGHT: recent_product_name,
            FAVOURITE: favourite_category
        }) as merge_fields
    from core.profiles
    where can_email and email is not null

),

-- An address is one member, whoever shares it.
wanted as (

    select
        md5(people.email) as member,
        people.email,
        people.merge_fields,
        md5(people.merge_fields) as profile_hash,
        coalesce(tags.segments, []) as segments
    from people
    left join tags on people.person_id = tags.person_id
    qualify row_number() over (partition by people.email order by people.person_id) = 1

)

select
    coalesce(wanted.member, kept.member) as member,
    wanted.email,
    wanted.merge_fields,
    wanted.profile_hash,
    wanted.segments,
    kept.member is null or (kept.is_refused and wanted.member is not null) as is_new,
    wanted.member is null as is_gone,
    wanted.profile_hash is distinct from kept.profile_hash as is_changed,
    list_filter(wanted.segments, lambda segment: not list_contains(coalesce(kept.segments, []), segment)) as added,
    list_filter(kept.segments, lambda segment: not list_contains(coalesce(wanted.segments, []), segment)) as removed
from wanted
full join kept on wanted.member = kept.member
where
    kept.member is null
    or wanted.member is null
    or wanted.profile_hash <> kept.profile_hash
    -- One whom the ESP refused is told again when there is something new to say.
    or (wanted.segments <> kept.segments and not kept.is_refused)
order by member
