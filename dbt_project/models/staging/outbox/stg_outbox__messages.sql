{{ latest_outbox_messages(source('raw', 'outbox_messages')) }}
