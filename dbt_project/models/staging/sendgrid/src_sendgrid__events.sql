{{ config(materialized='view') }}

{{ received_if_present(source('raw', 'sendgrid_events'), third_party_columns('sendgrid', 'events')) }}
