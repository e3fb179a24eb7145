with contacts as (

    select * from {{ ref('duplicate_contacts') }}

),

orders as (

    select * from {{ ref('duplicate_orders') }}

),

events as (

    select * from {{ ref('duplicate_events') }}

),

final as (

    select * from contacts
    union all
    select * from orders
    union all
    select * from events

)

select * from final
