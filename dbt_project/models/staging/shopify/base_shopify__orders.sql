with source as (

    select * from {{ ref('src_shopify__orders') }}
    where {{ known() }}

),

-- An order's first row says what it came to; its further rows hold one more item each.
marked as (

    select
        *,
        nullif(trim(name), '') as order_id,
        coalesce(
            nullif(trim(financial_status), ''), nullif(trim(currency), ''), nullif(trim(subtotal), ''),
            nullif(trim(total), '')
        ) is not null as is_order
    from source

),

-- A file may hold the same order more than once, for example two exports put together.
numbered as (

    select
        *,
        sum(case when is_order then 1 else 0 end) over (
            partition by _load_id, order_id
            order by _row
            rows between unbounded preceding and current row
        ) as order_copy
    from marked

),

typed as (

    select
        *,
        row_number() over (partition by _load_id, order_id, order_copy order by _row) as line_number,
        {{ normalised_email('email') }} as given_email,
        {{ normalised_phone('phone') }} as given_phone,
        coalesce(lower(trim(financial_status)), '') as given_status,
        nullif(trim(lineitem_name), '') as product_name,
        try_cast(nullif(trim(lineitem_quantity), '') as decimal(18, 3)) as quantity,
        try_cast(nullif(trim(lineitem_price), '') as decimal(18, 8)) as unit_price_amount,
        coalesce(try_cast(nullif(trim(lineitem_discount), '') as decimal(18, 2)), 0) as line_discount_amount,
        try_cast(nullif(trim(subtotal), '') as decimal(18, 2)) as subtotal_amount,
        try_cast(nullif(trim(total), '') as decimal(18, 2)) as total_amount,
        coalesce(try_cast(nullif(trim(discount_amount), '') as decimal(18, 2)), 0) as given_discount_amount,
        coalesce(try_cast(nullif(trim(shipping), '') as decimal(18, 2)), 0) as shipping_amount,
        coalesce(try_cast(nullif(trim(refunded_amount), '') as decimal(18, 2)), 0) as refund_amount,
        {{ to_utc(iso_offset('created_at')) }} as happened_at
    from numbered

),

checked as (

    select
        *,
        {{ refusal([
            ("order_id is null", "Name is missing"),
            ("is_order and given_email is null and given_phone is null", "Email and Phone are missing"),
            ("is_order and given_email is not null and not " ~ is_email('given_email'), "Email is no address"),
            ("is_order and given_status not in ('', 'pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded', 'voided', 'expired', 'unpaid')", "Financial Status is not one that Shopify knows"),
            ("is_order and nullif(trim(currency), '') is null", "Currency is missing"),
            ("is_order and happened_at is null", "Created at is no time"),
            ("is_order and nullif(trim(cancelled_at), '') is not null and " ~ to_utc(iso_offset('cancelled_at')) ~ " is null", "Cancelled at is no time"),
            (is_bad_number("nullif(trim(subtotal), '')", 'decimal(18, 2)'), "Subtotal is no amount"),
            (is_bad_number("nullif(trim(total), '')", 'decimal(18, 2)'), "Total is no amount"),
            (is_bad_number("nullif(trim(discount_amount), '')", 'decimal(18, 2)'), "Discount Amount is no amount"),
            (is_bad_number("nullif(trim(shipping), '')", 'decimal(18, 2)'), "Shipping is no amount"),
            (is_bad_number("nullif(trim(refunded_amount), '')", 'decimal(18, 2)'), "Refunded Amount is no amount"),
            ("product_name is not null and quantity is null", "Lineitem quantity is no number"),
            ("quantity < 0", "Lineitem quantity is negative"),
            ("product_name is not null and unit_price_amount is null", "Lineitem price is no amount"),
            ("unit_price_amount < 0", "Lineitem price is negative"),
            (is_bad_number("nullif(trim(lineitem_discount), '')", 'decimal(18, 2)'), "Lineitem discount is no amount"),
        ]) }} as own_refusal
    from typed

),

-- What an order's rows share.
ordered as (

    select
        *,
        max(case when is_order then own_refusal end) over (partition by _load_id, order_id, order_copy) as order_refusal,
        max(case when is_order then happened_at end) over (partition by _load_id, order_id, order_copy) as ordered_at,
        sum(case when own_refusal is null then cast(quantity * unit_price_amount - line_discount_amount as decimal(18, 2)) end)
            over (partition by _load_id, order_id, order_copy) as lines_amount
    from checked

),

refused as (

    select
        *,
        case
            when own_refusal is not null then own_refusal
            when order_copy = 0 then 'no row before this one has the order''s Financial Status and Total'
            when order_refusal is not null then 'the first row of this order is refused: ' || order_refusal
        end as _refusal
    from ordered

),

renamed as (

    select
        order_id,
        given_email as email,
        given_phone as phone,
        coalesce(nullif(trim(lineitem_sku), ''), product_name) as product_id,
        product_name,
        upper(trim(currency)) as currency,
        case
            when nullif(trim(cancelled_at), '') is not null or given_status in ('voided', 'expired') then 'cancelled'
            when given_status = 'refunded' or (refund_amount > 0 and refund_amount >= total_amount) then 'refunded'
            else 'placed'
        end as status,
        coalesce(nullif(lower(trim(source)), ''), 'web') as channel,
        order_copy,
        line_number,
        quantity,
        unit_price_amount,
        line_discount_amount,
        -- What the lines came to less the subtotal: exact whether Shopify spread a discount over the lines or not.
        cast(coalesce(coalesce(lines_amount, 0) - subtotal_amount, given_discount_amount) as decimal(18, 2)) as discount_amount,
        subtotal_amount,
        shipping_amount,
        total_amount,
        refund_amount as refunded_amount,
        is_order,
        ordered_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        _refusal,
        -- Two equal lines of one order are two lines; the same line of the same order in a later file is a repeat.
        {{ third_party_copy_number('shopify', 'orders', also=['line_number', '_refusal is null']) }} as _copy_number,
        {{ refresh_of_load() }} as _refresh
    from refused

)

select * from renamed
