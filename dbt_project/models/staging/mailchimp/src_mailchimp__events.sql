{{ config(materialized='view') }}

{{ received_if_present(source('raw', 'mailchimp_events'), third_party_columns('mailchimp', 'events')) }}
