with source as (

    select * from {{ ref('src_ga4__events') }}
    where {{ known() }}

),

event_names as (

    select * from {{ ref('ga4_event_names') }}

),

parsed as (

    select
        *,
        {{ from_epoch('event_timestamp', 1000000) }} as happened_at,
        {{ ga4_params_as_json(ga4_params(json_list_or_null('event_params'))) }} as params,
        {{ ga4_products(json_list_or_null('items')) }} as products,
        {{ json_object_or_null('ecommerce') }} as good_ecommerce,
        {{ json_object_or_null('device') }} as good_device,
        {{ json_object_or_null('geo') }} as good_geo,
        {{ json_object_or_null('collected_traffic_source') }} as campaign
    from source

),

read as (

    select
        parsed.*,
        coalesce(event_names.type, 'track') as segment_type,
        case when event_names.type is null then parsed.event_name else event_names.event end as segment_event,
        params ->> '$.page_location' as url,
        params ->> '$.page_title' as title,
        params ->> '$.page_referrer' as referrer,
        nullif(regexp_extract(params ->> '$.page_location', '[?][^#]*'), '') as search,
        case
            when params ->> '$.page_location' is not null
                then coalesce(nullif(regexp_extract(params ->> '$.page_location', '^[A-Za-z]+://[^/?#]*(/[^?#]*)', 1), ''), '/')
        end as path
    from parsed
    left join event_names
        on trim(parsed.event_name) = event_names.ga4_event

),

renamed as (

    select
        -- The export has no id of an event; what it says is one.
        md5(concat_ws(
            '|', coalesce(user_pseudo_id, ''), coalesce(user_id, ''), event_timestamp, event_name,
            coalesce(event_bundle_sequence_id, ''), coalesce(batch_page_id, ''), coalesce(batch_ordering_id, ''),
            coalesce(batch_event_index, ''), coalesce(params, ''), coalesce(products, '')
        )) as message_id,
        nullif(trim(user_pseudo_id), '') as anonymous_id,
        nullif(trim(user_id), '') as user_id,
        segment_type as type,
        segment_event as event,
        {{ json_merged('params', json_without_nulls([
            ('url', 'url'),
            ('path', 'path'),
            ('title', 'title'),
            ('referrer', 'referrer'),
            ('search', 'search'),
            ('query', "params ->> '$.search_term'"),
            ('product_id', "products ->> '$[0].product_id'"),
            ('name', "coalesce(products ->> '$[0].name', params ->> '$.firebase_screen')"),
            ('category', "products ->> '$[0].category'"),
            ('brand', "products ->> '$[0].brand'"),
            ('variant', "products ->> '$[0].variant'"),
            ('price', "products -> '$[0].price'"),
            ('quantity', "products -> '$[0].quantity'"),
            ('order_id', "nullif(coalesce(good_ecommerce ->> '$.transaction_id', params ->> '$.transaction_id'), '(not set)')"),
            ('revenue', "good_ecommerce -> '$.purchase_revenue'"),
            ('shipping', "good_ecommerce -> '$.shipping_value'"),
            ('tax', "good_ecommerce -> '$.tax_value'"),
            ('products', 'cast(products as json)'),
        ])) }} as properties,
        {{ json_without_nulls([
            ('page', 'cast(' ~ json_without_nulls([
                ('url', 'url'), ('path', 'path'), ('title', 'title'), ('referrer', 'referrer'), ('search', 'search'),
            ]) ~ ' as json)'),
            ('campaign', 'cast(' ~ json_without_nulls([
                ('name', "coalesce(campaign ->> '$.manual_campaign_name', params ->> '$.campaign')"),
                ('source', "coalesce(campaign ->> '$.manual_source', params ->> '$.source')"),
                ('medium', "coalesce(campaign ->> '$.manual_medium', params ->> '$.medium')"),
                ('term', "coalesce(campaign ->> '$.manual_term', params ->> '$.term')"),
                ('content', "coalesce(campaign ->> '$.manual_content', params ->> '$.content')"),
            ]) ~ ' as json)'),
            ('device', 'cast(' ~ json_without_nulls([
                ('type', "good_device ->> '$.category'"),
                ('manufacturer', "good_device ->> '$.mobile_brand_name'"),
                ('model', "good_device ->> '$.mobile_model_name'"),
            ]) ~ ' as json)'),
            ('os', 'cast(' ~ json_without_nulls([
                ('name', "good_device ->> '$.operating_system'"),
                ('version', "good_device ->> '$.operating_system_version'"),
            ]) ~ ' as json)'),
            ('locale', "good_device ->> '$.language'"),
            ('location', 'cast(' ~ json_without_nulls([
                ('city', "good_geo ->> '$.city'"),
                ('region', "good_geo ->> '$.region'"),
                ('country', "good_geo ->> '$.country'"),
            ]) ~ ' as json)'),
        ]) }} as context,
        happened_at as occurred_at,
        _load_id,
        _file,
        _row,
        _landed_at,
        {{ refusal([
            ("nullif(trim(event_name), '') is null", "event_name is missing"),
            ("nullif(trim(user_pseudo_id), '') is null and nullif(trim(user_id), '') is null", "user_pseudo_id and user_id are missing"),
            ("happened_at is null", "event_timestamp is no number of microseconds since 1970"),
            ("event_params is not null and " ~ json_list_or_null('event_params') ~ " is null", "event_params is no JSON list"),
            ("items is not null and " ~ json_list_or_null('items') ~ " is null", "items is no JSON list"),
            ("ecommerce is not null and good_ecommerce is null", "ecommerce is no JSON object"),
            ("device is not null and good_device is null", "device is no JSON object"),
            ("geo is not null and good_geo is null", "geo is no JSON object"),
            ("collected_traffic_source is not null and campaign is null", "collected_traffic_source is no JSON object"),
        ]) }} as _refusal,
        {{ third_party_copy_number('ga4', 'events') }} as _copy_number,
        {{ refresh_of_load() }} as _refresh
    from read

)

select * from renamed
