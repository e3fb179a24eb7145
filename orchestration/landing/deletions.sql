-- One row per key whose state the newest snapshot of a connector changes: gone from it, or back in it.
-- `snapshot` has the digests of the keys that the source has now.
with delivered as (

    select distinct {key} as key
    from {table}
    where split_part(_file, '/', 3) = $connector

),

present as (

    select distinct key_digest from snapshot

),

known as (

    select key, is_deleted
    from raw.deletions
    where source = $source and entity = $entity and connector = $connector
    qualify row_number() over (partition by key order by snapshot_id desc) = 1

),

judged as (

    select
        delivered.key,
        present.key_digest is null as is_deleted,
        coalesce(known.is_deleted, false) as was_deleted,
    from delivered
    left join present on left(sha256($secret || ':' || delivered.key), 32) = present.key_digest
    left join known on delivered.key = known.key
    where delivered.key is not null

)

select $source, $entity, $connector, key, is_deleted, $seen_at, $snapshot
from judged
where is_deleted <> was_deleted
order by key
