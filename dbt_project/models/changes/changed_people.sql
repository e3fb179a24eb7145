{% if is_refresh_incremental() %}
with identity_map as (

    select * from {{ ref('identity_map') }}

),

activity as not materialized (

    select * from {{ before_refresh('activity') }}

),

products as not materialized (

    select product_id from {{ ref('products') }}
    where _refresh = {{ refresh_number() }}

),

heard_of as (

    select * from {{ ref('heard_identifiers') }}

),

final as (

    select person_id from {{ ref('identity_assignments') }}
    union
    select person_id from {{ ref('dirty_people') }}
    union
    select identity_map.person_id
    from heard_of
    inner join identity_map
        on
            heard_of.identifier = identity_map.identifier
            and {{ also_equal('heard_of.identifier_type', 'identity_map.identifier_type') }}
    union
    select person_id from {{ ref('contacts') }}
    where _refresh = {{ refresh_number() }}
    union
    select person_id from {{ ref('orders') }}
    where _refresh = {{ refresh_number() }}
    union
    -- Whose act it was until now.
    select person_id from {{ ref('touched_acts') }}
    union
    {%- if not is_refresh_partial() %}
    -- Whose acts leave a window of time.
    select person_id
    from activity
    where
        {%- for days in windows_in_days() %}
        (
            occurred_at > {{ minus_interval(since(), days) }}
            and occurred_at <= {{ ago(days) }}
        ){{ ' or' if not loop.last }}
        {%- endfor %}
    union
    -- Whose stage changes because nothing happened.
    select person_id
    from {{ before_refresh('lifecycle_timeline') }}
    where changed_at > {{ since() }} and changed_at <= {{ as_of() }}
    union
    {%- endif %}
    select activity.person_id
    from activity
    inner join products
        on activity.product_id = products.product_id
    union
    select order_lines.person_id
    from {{ ref('order_lines') }} as order_lines
    inner join products
        on order_lines.product_id = products.product_id

)

select * from final
{% else %}
select cast(null as varchar) as person_id
where false
{% endif %}
