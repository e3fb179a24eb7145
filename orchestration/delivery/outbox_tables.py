"""The outbox's tables, and what earlier versions of them lacked."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

# A batch's content is kept while one of its messages is in one of these: any of them may still be handed over.
OPEN_STATES = ("planned", "sending", "unknown")

# Earlier versions kept it, and SQLite used it for none of their queries, whose states are parameters.
_UNUSED_INDEX = "messages_open"

MESSAGES = sa.Table(
    "messages",
    METADATA,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("campaign", sa.String(128), nullable=False),
    sa.Column("occurrence", sa.String(64), nullable=False),
    sa.Column("person_id", sa.String(64), nullable=False),
    sa.Column("email", sa.String(254)),
    sa.Column("variant", sa.String(64)),
    sa.Column("is_holdout", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("planned_at", sa.DateTime, nullable=False),
    # UTC by the run's instant: when the ESP was last given it, and when it took it.
    sa.Column("handed_over_at", sa.DateTime),
    sa.Column("accepted_at", sa.DateTime),
    # UTC; until then it is not handed over, and from then on never.
    sa.Column("not_before", sa.DateTime),
    sa.Column("expires_at", sa.DateTime),
    # Hours of the person's own clock in which it is not handed over, and their time zone: "21-8 Europe/Berlin".
    sa.Column("quiet_hours", sa.String(64)),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    # Those of messages in a batch are in DECISIONS.
    sa.Column("decisions", sa.Text),
    sa.Column("batch_id", sa.String(64), index=True),
    sa.Column("revision", sa.Integer, nullable=False, default=1),
    sa.Index("messages_by_occurrence", "campaign", "occurrence"),
)

# A batch is a worker's while its lease lasts.
BATCHES = sa.Table(
    "batches",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("campaign", sa.String(128), nullable=False),
    sa.Column("planned_at", sa.DateTime, nullable=False),
    sa.Column("not_before", sa.DateTime),
    # Whether messages in it are still to be handed over.
    sa.Column("is_waiting", sa.Boolean),
    sa.Column("worker", sa.String(64)),
    # Seconds since 1970 by the clock of the machine that leased it.
    sa.Column("leased_until", sa.Float),
    # The adapter that was last given messages of it, and whether it may be given them again.
    sa.Column("esp", sa.String(32)),
    sa.Column("is_idempotent", sa.Boolean),
    # The content of batches that earlier versions planned; of all others it is in CONTENTS.
    sa.Column("payloads", sa.LargeBinary, nullable=False, default=b""),
    sa.Index("batches_waiting", "is_waiting", "planned_at", "batch_id", "campaign", "not_before", "worker"),
    sa.Index("batches_leased", "worker"),
)

# What a batch's messages are made of, as `stored` packs it, until they are settled. In the batch's own row it would be
# written again with each lease.
CONTENTS = sa.Table(
    "contents",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("payloads", sa.LargeBinary, nullable=False),
)

# What was decided for a batch's messages, as `stored_decisions` writes it, for good. In their own rows it would be
# written again with each change of their states.
DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("decisions", sa.LargeBinary, nullable=False),
)


def is_open_as(state: str) -> sa.ColumnElement[bool]:
    """A message in one of OPEN_STATES. It is found by the batches that are left, however many were ever settled."""
    return sa.and_(MESSAGES.c.state == state, MESSAGES.c.batch_id.in_(sa.select(BATCHES.c.batch_id)))


def create(engine: sa.Engine) -> None:
    """Makes the tables where there are none, and adds to those of earlier versions what they lack."""
    try:
        METADATA.create_all(engine)
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.OperationalError):
        # Another process made them at the same time; or else the second attempt says what is wrong.
        METADATA.create_all(engine)
    for table in METADATA.sorted_tables:
        for column in _missing(engine, table):
            _add(engine, table, column)
    with engine.begin() as connection:
        connection.execute(sa.text(f"drop index if exists {_UNUSED_INDEX}"))
        for index in MESSAGES.indexes | BATCHES.indexes:
            index.create(connection, checkfirst=True)
        if connection.scalar(sa.select(sa.literal(1)).where(BATCHES.c.is_waiting.is_(None)).limit(1)):
            _describe_batches(connection)


def _missing(engine: sa.Engine, table: sa.Table) -> list[sa.Column[object]]:
    there = {column["name"] for column in sa.inspect(engine).get_columns(table.name)}
    return [column for column in table.columns if column.name not in there]


def _add(engine: sa.Engine, table: sa.Table, column: sa.Column[object]) -> None:
    kind = column.type.compile(engine.dialect)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"alter table {table.name} add column {column.name} {kind}"))
    except sa.exc.DBAPIError:
        # Another process may have been first.
        if column.name in {each.name for each in _missing(engine, table)}:
            raise


def _describe_batches(connection: sa.Connection) -> None:
    """What earlier versions knew from a batch's messages alone."""
    of_batch = MESSAGES.c.batch_id == BATCHES.c.batch_id
    hour = sa.select(sa.func.min(MESSAGES.c.not_before)).where(of_batch).scalar_subquery()
    connection.execute(
        sa.update(BATCHES)
        .where(BATCHES.c.is_waiting.is_(None))
        .values(
            is_waiting=sa.exists().where(of_batch, MESSAGES.c.state == "planned"),
            not_before=hour,
        )
    )
