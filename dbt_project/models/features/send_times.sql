with best_hours as (

    select * from {{ ref('send_time_best_hours') }}
    where split = 'score'

),

final as (

    select person_id, timezone, best_hour, share, acts_count, basis, group_name
    from best_hours

)

select * from final
