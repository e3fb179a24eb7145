"""An ESP's audience kept as the warehouse has it: who may be written to, what they are like, and their segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from orchestration.delivery.audience_members import Members
from orchestration.delivery.esp.choice import check_secret
from orchestration.delivery.esp.mailchimp import CONNECTIONS, ROWS, Mailchimp, Refused
from orchestration.segments.definitions import definitions
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

T = TypeVar("T")
_CHANGES_SQL = Path(__file__).with_name("audience_changes.sql")


@dataclass(frozen=True)
class Synced:
    """What a synchronisation came to, in people; `tagged` are changes of a person's segment."""

    added: int = 0
    updated: int = 0
    unsubscribed: int = 0
    tagged: int = 0
    refused: int = 0


def sync(settings: Settings, warehouse: Warehouse, at: datetime, vendor: Mailchimp | None = None) -> Synced:
    """Tells Mailchimp what changed since it was told last; `at` (UTC) is when.

    What was told is noted at once, so that a sync that breaks goes on where it was. Unsubscribing there is never
    reversed here.
    """
    check_secret(settings)
    vendor = vendor or Mailchimp(settings.mailchimp_api_key, settings.mailchimp_list_id, settings.mailchimp_url)
    members = Members(settings.outbox_url, settings.mailchimp_list_id)
    try:
        return _told(vendor, members, _changes(warehouse, members.kept()), at)
    finally:
        vendor.close()


def _changes(warehouse: Warehouse, kept: pa.Table) -> pa.Table:
    mailable = [name for name, each in definitions().items() if each.is_for_mailing]
    with warehouse.transaction() as connection:
        connection.register("kept", kept)
        changes: pa.Table = connection.sql(_CHANGES_SQL.read_text(encoding="utf-8"), params=[mailable]).to_arrow_table()
        connection.unregister("kept")
    return changes


def _told(vendor: Mailchimp, members: Members, changes: pa.Table, at: datetime) -> Synced:
    rows = changes.to_pylist()
    if not rows:
        return Synced()
    vendor.prepare_merge_fields()
    new = [row for row in rows if row["is_new"]]
    gone = [row["member"] for row in rows if row["is_gone"]]
    changed = [row for row in rows if not row["is_new"] and not row["is_gone"] and row["is_changed"]]
    present = [row for row in rows if not row["is_gone"]]
    with ThreadPoolExecutor(CONNECTIONS) as pool:

        def tell(verb: Callable[[Sequence[Mapping[str, Any]]], Refused], people: list[dict[str, Any]]) -> list[Refused]:
            return list(pool.map(lambda part: _tell(verb, members, part, at), _parts(people)))

        # Who is there already, for another reason than ours, is told apart and not subscribed.
        added = tell(vendor.add, new)
        existing = {address for each in added for address in each.existing}
        updated = tell(vendor.update, [*changed, *(row for row in new if row["email"] in existing)])
        list(pool.map(vendor.unsubscribe, gone))
        members.forget(gone)
        refused = {address for each in (*added, *updated) for address in each.errors}
        tagged = _tag(vendor, pool, [row for row in present if row["email"] not in refused])
        members.tagged({row["member"]: row["segments"] for row in present if row["email"] not in refused})
    return Synced(
        added=len(new) - len(existing) - sum(len(each.errors) for each in added),
        updated=len(changed) + len(existing) - sum(len(each.errors) for each in updated),
        unsubscribed=len(gone),
        tagged=tagged,
        refused=len(refused),
    )


def _tell(
    verb: Callable[[Sequence[Mapping[str, Any]]], Refused],
    members: Members,
    people: Sequence[dict[str, Any]],
    at: datetime,
) -> Refused:
    refused = verb(people)
    errors = {md5(address.encode(), usedforsecurity=False).hexdigest(): why for address, why in refused.errors.items()}
    told = {row["member"]: row["profile_hash"] for row in people if row["email"] not in refused.existing}
    members.told(told, errors, at)
    return refused


def _tag(vendor: Mailchimp, pool: ThreadPoolExecutor, people: Sequence[dict[str, Any]]) -> int:
    """Puts people into the segments that they came into, and out of those that they left."""
    added: dict[str, list[str]] = {}
    removed: dict[str, list[str]] = {}
    for changes, field in ((added, "added"), (removed, "removed")):
        for row in people:
            for name in row[field] or ():
                changes.setdefault(name, []).append(row["email"])
    if not added and not removed:
        return 0
    ids = vendor.segments([*added, *removed])
    calls: list[tuple[int, Sequence[str], Sequence[str]]] = [
        *((ids[name], part, ()) for name, addresses in added.items() for part in _parts(addresses)),
        *((ids[name], (), part) for name, addresses in removed.items() for part in _parts(addresses)),
    ]
    list(pool.map(lambda call: vendor.tag(*call), calls))
    return sum(map(len, added.values())) + sum(map(len, removed.values()))


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS]
