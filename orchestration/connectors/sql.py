"""A table, view or query of any SQLAlchemy database, read through dlt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.connectors.environment import variable
from orchestration.connectors.positions import Position
from orchestration.connectors.streams import SqlTable

_CHUNK_ROWS = 5_000
# SQLAlchemy's drivers by the scheme that people write.
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


def read(origin: SqlTable, position: Position | None) -> Iterator[Mapping[str, Any]]:
    """Every row from the position's start on, in the cursor's order; all rows without a position.

    One statement reads them all, so they are what the database held at one instant.
    """
    import sqlalchemy as sa

    engine = sa.create_engine(_url(origin))
    try:
        yield from _resource(origin, engine, position)
    finally:
        engine.dispose()


def _url(origin: SqlTable) -> str:
    scheme, separator, rest = variable(origin.url_env).partition("://")
    return f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"


def _resource(origin: SqlTable, engine: Any, position: Position | None) -> Any:
    import dlt
    from dlt.sources.sql_database import sql_table

    incremental = _incremental(position)
    if not origin.query:
        return sql_table(
            credentials=engine,
            table=origin.table,
            schema=origin.schema or None,
            incremental=incremental,
            chunk_size=_CHUNK_ROWS,
            reflection_level="minimal",
        )

    @dlt.resource(name="query")
    def rows(after: dlt.sources.incremental[Any] | None = incremental) -> Iterator[Any]:
        from dlt.sources.sql_database.helpers import TableLoader

        loader = TableLoader(
            engine, "sqlalchemy", _as_table(origin.query, engine), {}, chunk_size=_CHUNK_ROWS, incremental=after
        )
        yield from loader.load_rows()

    return rows()


def _incremental(position: Position | None) -> Any:
    """dlt asks the database for what is new, and leaves to us what was delivered already."""
    import dlt

    if position is None:
        return None
    return dlt.sources.incremental(
        position.cursor.column,
        initial_value=position.start,
        row_order="asc",
        primary_key=(),
        on_cursor_value_missing="include",
    )


def _as_table(query: str, engine: Any) -> Any:
    """The query as something with columns, which a condition and an order can be added to."""
    import sqlalchemy as sa

    text = query.strip().rstrip(";")
    with engine.connect() as connection:
        names = list(connection.execute(sa.text(f"select * from ({text}) as described where 1 = 0")).keys())
    return sa.text(text).columns(*(sa.column(name) for name in names)).subquery("query")
