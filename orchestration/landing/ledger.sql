create table if not exists raw.loads (
    load_id varchar,
    source varchar,
    entity varchar,
    file varchar,
    content_hash varchar,
    status varchar,
    rows_received bigint,
    rows_rejected bigint,
    seconds double,
    columns varchar,
    error varchar,
    landed_at timestamp
);

create table if not exists raw.rejects (
    load_id varchar,
    source varchar,
    entity varchar,
    file varchar,
    row_number bigint,
    reason varchar,
    row_text varchar,
    landed_at timestamp
);
