{{ config(materialized='view') }}

{{ received_if_present(source('raw', 'ga4_events'), third_party_columns('ga4', 'events')) }}
