{{ config(materialized='view') }}

{{ received_if_present(source('raw', 'sendgrid_suppressions'), third_party_columns('sendgrid', 'suppressions')) }}
