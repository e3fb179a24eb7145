"""What an ESP that keeps an audience was told of each member: in the outbox's database, and without addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import orjson
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from orchestration.delivery.engine import durable_engine, reading, storage, writing

METADATA = sa.MetaData()
MEMBERS = sa.Table(
    "audience_members",
    METADATA,
    sa.Column("list_id", sa.String(64), primary_key=True),
    # The MD5 of the lower-case address, as the vendor names its members.
    sa.Column("member", sa.String(32), primary_key=True),
    sa.Column("profile_hash", sa.String(32)),
    # A JSON list of names, in their order.
    sa.Column("segments", sa.Text, nullable=False),
    # Why the vendor refused this row; it is not told again until it changes.
    sa.Column("error", sa.Text),
    sa.Column("synced_at", sa.DateTime, nullable=False),
)
_KEPT = pa.schema(
    [
        ("member", pa.string()),
        ("profile_hash", pa.string()),
        ("segments", pa.list_(pa.string())),
        ("is_refused", pa.bool_()),
    ]
)
_ROWS_PER_STATEMENT = 500


class Members:
    """The members of one list, as they were told."""

    def __init__(self, url: str, list_id: str) -> None:
        self._engine = durable_engine(url)
        self._list_id = list_id
        with storage():
            METADATA.create_all(self._engine)

    def kept(self) -> pa.Table:
        """`member, profile_hash, segments, is_refused` of each."""
        query = sa.select(MEMBERS).where(self._is_ours)
        with reading(self._engine) as connection:
            rows = [
                {
                    "member": row.member,
                    "profile_hash": row.profile_hash,
                    "segments": orjson.loads(row.segments),
                    "is_refused": row.error is not None,
                }
                for row in connection.execute(query)
            ]
        return pa.Table.from_pylist(rows, _KEPT)

    def errors(self) -> dict[str, str]:
        """The reasons of refused rows, by member."""
        query = sa.select(MEMBERS.c.member, MEMBERS.c.error).where(self._is_ours, MEMBERS.c.error.is_not(None))
        with reading(self._engine) as connection:
            return {str(row[0]): str(row[1]) for row in connection.execute(query)}

    def told(self, profiles: Mapping[str, str], errors: Mapping[str, str], at: datetime) -> None:
        """Notes the hashes of profiles by member, and the reasons of those that were refused; `at` is UTC."""
        rows = [
            {
                "list_id": self._list_id, "member": member, "profile_hash": profile_hash, "segments": "[]",
                "error": errors.get(member), "synced_at": at.replace(tzinfo=None),
            }
            for member, profile_hash in profiles.items()
        ]  # fmt: skip
        insert = (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(MEMBERS)
        change = insert.on_conflict_do_update(
            index_elements=["list_id", "member"],
            set_={name: insert.excluded[name] for name in ("profile_hash", "error", "synced_at")},
        )
        with writing(self._engine) as connection:
            for start in range(0, len(rows), _ROWS_PER_STATEMENT):
                connection.execute(change, rows[start : start + _ROWS_PER_STATEMENT])

    def tagged(self, segments: Mapping[str, Sequence[str]]) -> None:
        """Notes the segments by member."""
        change = (
            sa.update(MEMBERS)
            .where(self._is_ours, MEMBERS.c.member == sa.bindparam("of_member"))
            .values(segments=sa.bindparam("new_segments"))
        )
        rows = [
            {"of_member": member, "new_segments": orjson.dumps(list(names)).decode()}
            for member, names in segments.items()
        ]
        with writing(self._engine) as connection:
            for start in range(0, len(rows), _ROWS_PER_STATEMENT):
                connection.execute(change, rows[start : start + _ROWS_PER_STATEMENT])

    def forget(self, members: Iterable[str]) -> None:
        """Forgets those that are gone."""
        gone = list(members)
        with writing(self._engine) as connection:
            for start in range(0, len(gone), _ROWS_PER_STATEMENT):
                ids = gone[start : start + _ROWS_PER_STATEMENT]
                connection.execute(sa.delete(MEMBERS).where(self._is_ours, MEMBERS.c.member.in_(ids)))

    @property
    def _is_ours(self) -> sa.ColumnElement[bool]:
        return MEMBERS.c.list_id == self._list_id
