{{ config(materialized='table') }}

{% if is_refresh_incremental() -%}
-- What the last refresh saw is held against what was noted before this replaces it:
-- depends_on: {{ ref('renoted_people') }}
{%- endif %}
with observed as (

    select * from {{ ref('segment_observed_members') }}
    {% if is_refresh_partial() %}
    where person_id in (select people.person_id from {{ ref('people_with_observations') }} as people)
    {% endif %}

),

members as (

    select * from {{ ref('segment_members') }}
    {% if is_refresh_partial() %}
    where person_id in (select people.person_id from {{ ref('people_with_observations') }} as people)
    {% endif %}

),

{% if is_refresh_partial() -%}
-- Of all others nothing was put together anew: what the last refresh saw of them holds.
seen_before as (

    select segment, person_id, change, changed_at
    from {{ this }}
    where person_id not in (select people.person_id from {{ ref('people_with_observations') }} as people)

),

{% endif -%}
-- What this build sees that none before it saw happened at its instant, as far as anybody can know.
final as (

    select
        coalesce(members.segment, observed.segment) as segment,
        coalesce(members.person_id, observed.person_id) as person_id,
        case when observed.person_id is null then 'entered' else 'exited' end as change,
        {{ as_of() }} as changed_at
    from members
    full outer join observed
        on
            members.segment = observed.segment
            and members.person_id = observed.person_id
    where members.person_id is null or observed.person_id is null
    {%- if is_refresh_partial() %}
    union all
    select segment, person_id, change, changed_at
    from seen_before
    {%- endif %}

)

select * from final
