{#- The shapes of others, as (source, entity): each is switched on by the presence of its raw table. -#}
{% macro third_party_entities() -%}
    {{ return([
        ('segment', 'events'), ('ga4', 'events'), ('shopify', 'orders'), ('sendgrid', 'events'),
        ('sendgrid', 'suppressions'), ('mailchimp', 'events'),
    ]) }}
{%- endmacro %}

{#- The columns that staging reads of a shape: the vendor's names, in snake case. -#}
{% macro third_party_columns(source_name, entity) -%}
    {%- set columns = {
        'segment_events': [
            'message_id', 'type', 'anonymous_id', 'user_id', 'previous_id', 'group_id', 'event', 'name', 'category',
            'properties', 'traits', 'context', 'integrations', 'timestamp', 'original_timestamp', 'sent_at',
            'received_at', 'channel', 'version', 'project_id', 'write_key',
        ],
        'ga4_events': [
            'event_name', 'event_timestamp', 'user_pseudo_id', 'user_id', 'event_date', 'event_params',
            'event_previous_timestamp', 'event_value_in_usd', 'event_bundle_sequence_id',
            'event_server_timestamp_offset', 'privacy_info', 'user_properties', 'user_first_touch_timestamp',
            'user_ltv', 'device', 'geo', 'app_info', 'traffic_source', 'stream_id', 'platform', 'event_dimensions',
            'ecommerce', 'items', 'collected_traffic_source', 'session_traffic_source_last_click', 'is_active_user',
            'batch_event_index', 'batch_page_id', 'batch_ordering_id', 'publisher',
        ],
        'shopify_orders': [
            'name', 'email', 'phone', 'financial_status', 'created_at', 'currency', 'lineitem_quantity',
            'lineitem_name', 'lineitem_price', 'subtotal', 'shipping', 'taxes', 'total', 'discount_code',
            'discount_amount', 'paid_at', 'fulfillment_status', 'fulfilled_at', 'accepts_marketing',
            'shipping_method', 'lineitem_compare_at_price', 'lineitem_sku', 'lineitem_discount', 'cancelled_at',
            'refunded_amount', 'id', 'source', 'vendor', 'tags',
        ],
        'sendgrid_events': [
            'email', 'timestamp', 'event', 'sg_event_id', 'sg_message_id', 'smtp_id', 'message_id', 'category', 'url',
            'reason', 'response', 'status', 'type', 'attempt', 'bounce_classification', 'asm_group_id', 'useragent',
            'ip', 'sg_machine_open', 'marketing_campaign_id', 'marketing_campaign_name',
        ],
        'sendgrid_suppressions': ['list', 'email', 'created', 'reason', 'status', 'ip'],
        'mailchimp_events': [
            'type', 'activity', 'fired_at', 'data', 'campaign_id', 'list_id', 'list_is_active', 'email_id',
            'email_address',
        ],
    } -%}
    {{ return(columns[source_name ~ '_' ~ entity]) }}
{%- endmacro %}

{#-
    The rows of a third party's raw table as text, in the given columns: none when there is no such table, null
    where it lacks a column. Names are compared by their letters and digits, so that `messageId`, `message_id`
    and `Message Id` are one. A table that another loader brought gets its own name as file and load; columns
    that start with an underscore are a loader's bookkeeping.
-#}
{% macro received_if_present(relation, columns) -%}
    {%- set found = load_relation(relation) if execute else none -%}
    {%- set present, bookkeeping, wanted, unknown = {}, {}, [], [] -%}
    {%- for column in columns -%}
        {%- do wanted.append(plain_name(column)) -%}
    {%- endfor -%}
    {%- if found -%}
        {%- for column in adapter.get_columns_in_relation(found) -%}
            {%- if column.name.startswith('_') -%}
                {%- do bookkeeping.update({column.name | lower: column}) -%}
            {%- elif plain_name(column.name) in wanted -%}
                {%- do present.update({plain_name(column.name): column}) -%}
            {%- else -%}
                {%- do unknown.append(column) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    select
        {%- for column in columns %}
        {{ received_text(present.get(plain_name(column))) }} as {{ adapter.quote(column) }},
        {%- endfor %}
        {%- if unknown and '_extra' not in bookkeeping %}
        cast(json_object(
            {%- for column in unknown %}
            '{{ column.name | replace("'", "''") }}', {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) as varchar) as _extra,
        {%- else %}
        {{ received_text(bookkeeping.get('_extra')) }} as _extra,
        {%- endif %}
        {%- for name in ['_load_id', '_file'] %}
        {{ received_text(bookkeeping[name]) if name in bookkeeping else "'" ~ relation.schema ~ '.' ~ relation.identifier ~ "'" }} as {{ name }},
        {%- endfor %}
        {{ '_row' if '_row' in bookkeeping else as_stored() }} as _row,
        {{ '_landed_at' if '_landed_at' in bookkeeping else 'cast(null as timestamp)' }} as _landed_at
    from {% if found %}{{ found }}{% else %}(select 1 as nothing) as no_table where nothing = 0{% endif %}
{%- endmacro %}

{% macro plain_name(name) -%}
    {{ return(modules.re.sub('[^a-z0-9]', '', name | lower)) }}
{%- endmacro %}

{% macro received_text(column) -%}
    {%- if not column -%}
        cast(null as varchar)
    {%- elif modules.re.match('(STRUCT|MAP|UNION)', column.dtype | upper) or column.dtype.endswith(']') -%}
        case when {{ adapter.quote(column.name) }} is not null then cast(to_json({{ adapter.quote(column.name) }}) as varchar) end
    {%- else -%}
        cast({{ adapter.quote(column.name) }} as varchar)
    {%- endif -%}
{%- endmacro %}

{#- A row's number in the order in which the table keeps its rows. -#}
{% macro as_stored() -%}
    {{ adapter.dispatch('as_stored')() }}
{%- endmacro %}

{% macro default__as_stored() -%}
    row_number() over ()
{%- endmacro %}

{#- Where an entity's received rows are read: its raw table, or the switch in front of a third party's. -#}
{% macro received(source_name, entity) -%}
    {%- if (source_name, entity) in third_party_entities() -%}
        {{ return(ref('src_' ~ source_name ~ '__' ~ entity)) }}
    {%- endif -%}
    {{ return(source('raw', source_name ~ '_' ~ entity)) }}
{%- endmacro %}

{#- Numbers the exact repeats of a third party's row; `also` names what tells rows apart besides their content. -#}
{% macro third_party_copy_number(source_name, entity, also=[]) -%}
    {%- set columns = [] -%}
    {%- for column in third_party_columns(source_name, entity) -%}
        {%- do columns.append(adapter.quote(column)) -%}
    {%- endfor -%}
    {{ copy_number_of(columns + ['_extra'] + also) }}
{%- endmacro %}
