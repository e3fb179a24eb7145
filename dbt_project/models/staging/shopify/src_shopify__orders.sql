{{ config(materialized='view') }}

{{ received_if_present(source('raw', 'shopify_orders'), third_party_columns('shopify', 'orders')) }}
