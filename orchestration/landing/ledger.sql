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

-- What the file system says of a landed file: while it says the same, the file is not read again.
create table if not exists raw.file_states (
    file varchar,
    load_id varchar,
    bytes bigint,
    modified_ns bigint
);

-- How a load's columns differ from those of the load before it of the same kind of file.
create table if not exists raw.schema_changes (
    load_id varchar,
    source varchar,
    entity varchar,
    file varchar,
    column_name varchar,
    change varchar,
    kind_before varchar,
    kind_after varchar,
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

create table if not exists raw.deletions (
    source varchar,
    entity varchar,
    connector varchar,
    key varchar,
    is_deleted boolean,
    seen_at timestamp,
    snapshot_id varchar
);

create table if not exists raw.snapshots (
    source varchar,
    entity varchar,
    connector varchar,
    snapshot_id varchar,
    rows_count bigint,
    keys_deleted bigint,
    keys_returned bigint,
    seen_at timestamp
);

-- Who entered and left which segment, as the build of that instant found it, under the id that it knew them by.
create table if not exists raw.segment_changes (
    segment varchar,
    person_id varchar,
    change varchar,
    changed_at timestamp,
    _landed_at timestamp
);

-- Which segments a build looked at, and how many people it found in them.
create table if not exists raw.segment_observations (
    segment varchar,
    observed_at timestamp,
    members_count bigint,
    _landed_at timestamp
);
