with people as (

    select * from {{ ref('people') }}

),

contacts as (

    select * from {{ ref('contacts') }}

),

interactions as (

    select * from {{ ref('interactions') }}

),

product_views as (

    select * from {{ ref('product_views') }}

),

-- Of several contacts the newest that names one, as in the profile; the profile itself waits for the churn model.
cities as (

    select person_id, arg_max(city, {{ contact_known_at() }}) as city
    from contacts
    where city is not null
    group by person_id

),

acts as (

    select person_id, product_id, purchased_at as happened_at, false as is_view, max(quantity) as quantity
    from interactions
    where quantity > 0
    group by all
    union all
    select person_id, product_id, viewed_at, true, 1
    from product_views
    group by all
    union all
    select person_id, null, null, false, null
    from people

),

final as (

    select
        acts.person_id,
        cities.city,
        acts.product_id,
        acts.happened_at,
        acts.is_view,
        acts.quantity
    from acts
    left join cities
        on acts.person_id = cities.person_id

)

select * from final
