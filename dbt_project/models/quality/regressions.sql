with data_quality as (

    select * from {{ ref('data_quality') }}

),

limits as (

    {{ limits('worse_limits') }}

),

newest as (

    select *
    from data_quality
    where is_newest and rows_count >= {{ var('worse_min_rows') }}

),

-- Landings weigh by their rows: a nightly trickle does not outweigh the first export.
earlier as (

    select
        newest.entity,
        newest.measure,
        newest.column_name,
        sum(before.share * before.rows_count) / sum(before.rows_count) as share,
        sum(before.rows_count) as rows_count
    from newest
    inner join data_quality as before
        on
            newest.entity = before.entity
            and newest.measure = before.measure
            and newest.column_name is not distinct from before.column_name
            and before.landing_number between newest.landing_number - {{ var('worse_landings') }} and newest.landing_number - 1
    where before.rows_count > 0
    group by newest.entity, newest.measure, newest.column_name
    having sum(before.rows_count) >= {{ var('worse_min_rows') }}

),

-- More is better of what is filled in and unique, and worse of what is refused and repeated.
compared as (

    select
        newest.entity,
        newest.measure,
        newest.column_name,
        newest.landed_at,
        newest.rows_count,
        newest.share,
        coalesce(own_limits.name, 'default') as limits_name,
        earlier.share as earlier_share,
        round(
            case
                when newest.measure in ('completeness', 'uniqueness') then earlier.share - newest.share
                else newest.share - earlier.share
            end,
            9
        ) as worse_by
    from newest
    inner join earlier
        on
            newest.entity = earlier.entity
            and newest.measure = earlier.measure
            and newest.column_name is not distinct from earlier.column_name
    left join limits as own_limits
        on newest.measure = own_limits.name

),

judged as (

    select
        compared.*,
        limits.warn_above,
        limits.fail_above,
        {{ level('compared.worse_by') }} as level
    from compared
    inner join limits
        on compared.limits_name = limits.name

),

final as (

    select
        * exclude (limits_name),
        entity || ', '
        || case measure
            when 'completeness' then column_name || ' filled in'
            when 'uniqueness' then column_name || ' unique'
            when 'refused' then 'rows refused'
            else 'rows that are exact repeats'
        end
        || ': ' || {{ percent('share') }} || ' of the ' || cast(rows_count as varchar) || ' rows landed last, '
        || {{ percent('earlier_share') }} || ' before' as words
    from judged
    where level <> 'ok'

)

select * from final
