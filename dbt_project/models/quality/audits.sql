with kinds as (

    select * from {{ ref('audit_kinds') }}

),

duplicates as (

    select * from {{ ref('duplicates') }}

),

inconsistencies as (

    select * from {{ ref('inconsistencies') }}

),

freshness as (

    select * from {{ ref('freshness') }}

),

regressions as (

    select * from {{ ref('regressions') }}

),

reconciliation as (

    select * from {{ ref('load_reconciliation') }}

),

limits as (

    {{ limits('audit_limits') }}

),

-- Good rows of all times: a share in a backfill is of everything that landed.
records as (

    select source || '_' || entity as entity, sum(rows_staged) as records_count
    from reconciliation
    group by source, entity

),

found as (

    select kind, entity, count(*) as found_count
    from duplicates
    group by kind, entity
    union all
    select kind, entity, count(*)
    from inconsistencies
    group by kind, entity

),

shares as (

    select
        kinds.area,
        kinds.kind,
        kinds.words,
        kinds.remedy,
        found.entity,
        coalesce(found.found_count, 0) as found_count,
        records.records_count,
        coalesce(own_limits.name, 'default') as limits_name,
        -- A source without a count of its own is judged by the warning alone.
        coalesce(
            found.found_count / nullif(cast(records.records_count as double), 0),
            case when found.found_count > 0 then 0.000001 else 0 end
        ) as share
    from kinds
    left join found
        on kinds.kind = found.kind
    left join records
        on found.entity = records.entity
    left join limits as own_limits
        on kinds.kind = own_limits.name

),

judged as (

    select
        shares.*,
        limits.warn_above,
        limits.fail_above,
        {{ level('shares.share') }} as level
    from shares
    inner join limits
        on shares.limits_name = limits.name

),

final as (

    select
        area,
        kind,
        coalesce(entity, 'all') as subject,
        cast(found_count as bigint) as found_count,
        share as figure,
        warn_above,
        fail_above,
        level,
        case
            when found_count = 0 then 'None found.'
            else
                entity || ': ' || cast(found_count as varchar)
                || coalesce(' of ' || cast(cast(records_count as bigint) as varchar), '') || ' ' || words
                || ' (quality.' || area || ', ' || kind || '). ' || remedy || '.'
        end as words
    from judged

    union all

    select
        'freshness',
        'stale',
        entity,
        cast(is_stale as integer),
        age_days,
        warn_above_days,
        fail_above_days,
        level,
        case
            when age_days is null then 'Never came.'
            else
                entity || ': the newest record is ' || cast(cast(age_days as decimal(12, 1)) as varchar) || ' days old at as_of'
                || case
                    when is_stale
                        then
                            ', more than the '
                            || cast(cast(case level when 'fail' then fail_above_days else warn_above_days end as decimal(12, 1)) as varchar)
                            || ' days of freshness_limits. Land a newer export, or raise the limit.'
                    else '.'
                end
        end
    from freshness

    union all

    select
        'regressions',
        measure,
        concat_ws('.', entity, column_name),
        1,
        worse_by,
        warn_above,
        fail_above,
        level,
        words || '. See what changed in the export.'
    from regressions

)

select * from final
