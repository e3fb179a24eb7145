{{ config(materialized='view') }}

{{ received_if_present(source('raw', 'segment_events'), third_party_columns('segment', 'events')) }}
