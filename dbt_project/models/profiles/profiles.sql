{{ config(
    materialized='incremental',
    incremental_strategy='refresh',
    stale=[
        {'changes': 'changed_people', 'matching': {'person_id': 'person_id'}},
        {'changes': 'changed_scores', 'matching': {'person_id': 'person_id'}},
    ],
) }}

with people as (

    select * from {{ ref('people') }} as people
    {{ only_new_profiles('people') }}

),

contacts as (

    select * from {{ ref('contacts') }} as contacts
    {{ only_new_profiles('contacts') }}

),

contactability as (

    select * from {{ ref('contactability') }} as contactability
    {{ only_new_profiles('contactability') }}

),

lifecycle_stages as (

    select * from {{ ref('lifecycle_stages') }} as lifecycle_stages
    {{ only_new_profiles('lifecycle_stages') }}

),

engagement_levels as (

    select * from {{ ref('engagement_levels') }} as engagement_levels
    {{ only_new_profiles('engagement_levels') }}

),

activity as {{ read_anew() }} (

    select * from {{ ref('activity') }} as activity
    {{ only_new_profiles('activity') }}

),

orders as (

    select * from {{ ref('orders') }} as orders
    {{ only_new_profiles('orders') }}

),

order_lines as {{ read_anew() }} (

    select * from {{ ref('order_lines') }} as order_lines
    {{ only_new_profiles('order_lines') }}

),

products as not materialized (

    select * from {{ ref('products') }}

),

churn_predictions as (

    select * from {{ source('ml', 'churn_predictions') }}

),

lifetime_values as (

    select * from {{ source('ml', 'lifetime_values') }}

),

-- Of several contacts, the newest value that is there.
attributes as (

    select
        person_id,
        min(signed_up_at) as signed_up_at,
        arg_max(first_name, known_at) as first_name,
        arg_max(last_name, known_at) as last_name,
        arg_max(birth_date, known_at) as birth_date,
        arg_max(gender, known_at) as gender,
        arg_max(city, known_at) as city,
        arg_max(region, known_at) as region,
        arg_max(country, known_at) as country,
        arg_max(timezone, known_at) as timezone,
        arg_max(language, known_at) as language,
        arg_max(preferences, known_at) as topics,
        arg_max(attributes, known_at) as attributes
    from (
        select *, {{ contact_known_at() }} as known_at
        from contacts
    ) as contacts
    group by person_id

),

purchases as (

    select
        person_id,
        count(*) as orders_count,
        count(*) filter (where ordered_at > {{ ago(90) }}) as orders_90d_count,
        sum(net_amount) as total_spent_amount,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at,
        arg_max(currency, (ordered_at, order_id)) as currency
    from orders
    where is_purchase
    group by person_id

),

-- The dearest product of the last order, the one a person remembers; never one that is nobody's business.
recent_products as (

    select order_lines.person_id, order_lines.product_id, products.name
    from order_lines
    left join products
        on order_lines.product_id = products.product_id
    where not coalesce(products.is_sensitive, false)
    qualify
        row_number() over (
            partition by order_lines.person_id
            order by order_lines.ordered_at desc, order_lines.net_amount desc, order_lines.product_id
        ) = 1

),

favourites as (

    select order_lines.person_id, products.category
    from order_lines
    inner join products
        on order_lines.product_id = products.product_id
    where products.category is not null and not products.is_sensitive
    group by order_lines.person_id, products.category
    qualify
        row_number() over (
            partition by order_lines.person_id
            order by count(*) desc, products.category
        ) = 1

),

-- What somebody looked at for long enough and often enough that a message may speak of it.
views as (

    select activity.person_id, activity.activity_id, activity.occurred_at, activity.product_id, products.category
    from activity
    left join products
        on activity.product_id = products.product_id
    where
        activity.activity = 'product_viewed'
        and activity.occurred_at <= {{ ago(var('view_use_after_days')) }}
        and not coalesce(products.is_sensitive, false)
    qualify
        count(*) over (partition by activity.person_id, products.category) >= {{ var('view_use_from_count') }}

),

last_views as (

    select *
    from views
    qualify
        row_number() over (
            partition by person_id
            order by occurred_at desc, activity_id
        ) = 1

),

last_acts as (

    select person_id, max(occurred_at) as last_activity_at
    from activity
    where is_active_act
    group by person_id

),

final as (

    select
        people.person_id,
        contactability.email,
        attributes.first_name,
        attributes.last_name,
        attributes.birth_date,
        attributes.gender,
        attributes.city,
        attributes.region,
        attributes.country,
        coalesce(attributes.timezone, 'UTC') as timezone,
        coalesce(attributes.language, 'en') as language,
        attributes.signed_up_at,
        lifecycle_stages.lifecycle_stage,
        lifecycle_stages.stage_since,
        engagement_levels.engagement_level,
        coalesce(purchases.orders_count, 0) as orders_count,
        coalesce(purchases.orders_90d_count, 0) as orders_90d_count,
        cast(coalesce(purchases.total_spent_amount, 0) as decimal(18, 2)) as total_spent_amount,
        cast(purchases.total_spent_amount / purchases.orders_count as decimal(18, 2)) as average_order_amount,
        purchases.currency,
        purchases.first_ordered_at,
        purchases.last_ordered_at,
        last_acts.last_activity_at,
        recent_products.product_id as recent_product_id,
        recent_products.name as recent_product_name,
        favourites.category as favourite_category,
        last_views.product_id as viewed_product_id,
        last_views.category as viewed_category,
        attributes.topics,
        attributes.attributes,
        cast(churn_predictions.churn_probability as double) as churn_probability,
        churn_predictions.risk_band as churn_risk_band,
        lifetime_values.expected_next_order_at,
        cast(lifetime_values.expected_orders_count as double) as expected_orders_count,
        cast(lifetime_values.expected_value_amount as decimal(18, 2)) as expected_value_amount,
        contactability.can_email
    from people
    left join contactability on people.person_id = contactability.person_id
    left join attributes on people.person_id = attributes.person_id
    left join lifecycle_stages on people.person_id = lifecycle_stages.person_id
    left join engagement_levels on people.person_id = engagement_levels.person_id
    left join purchases on people.person_id = purchases.person_id
    left join last_acts on people.person_id = last_acts.person_id
    left join recent_products on people.person_id = recent_products.person_id
    left join favourites on people.person_id = favourites.person_id
    left join last_views on people.person_id = last_views.person_id
    left join churn_predictions on people.person_id = churn_predictions.person_id
    left join lifetime_values on people.person_id = lifetime_values.person_id

)

select * from final
