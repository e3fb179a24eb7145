"""The only place that opens the warehouse, for as long as one read or write takes."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.errors import SincerelyError, is_disk_full, storage_error
from orchestration.locks import exclusive

_LOCK_WAIT_SECONDS = 600.0
_BATCH_ROWS = 10_000
# A sort of the longest table takes up to some times what the whole file does, which is compressed.
_SHARE_OF_MEMORY = 4
_SHARE_IN_HASTE, _ENOUGH_IN_HASTE = 1 / 2, 2_000_000_000


class WarehouseError(SincerelyError):
    """The warehouse's file cannot be opened or read."""


# The files that this thread of work keeps open.
_KEPT_OPEN: ContextVar[frozenset[Path]] = ContextVar("kept_open", default=frozenset())

# Batches in, batches out, one at a time.
Change = Callable[[pa.RecordBatchReader], pa.RecordBatchReader]


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file. Tables are named `schema.table`; data crosses as Arrow; times are UTC."""

    path: Path
    memory_limit: str = "2GB"
    lock_wait_seconds: float = _LOCK_WAIT_SECONDS

    @property
    def lock_path(self) -> Path:
        return self.path.with_suffix(".lock")

    def fills_memory(self) -> bool:
        """Whether two of its tables that are made at once may need more than the memory limit, and so the disk."""
        if not self.path.exists():
            return False
        return _SHARE_OF_MEMORY * self.path.stat().st_size > self._memory_bytes()

    def memory_in_haste(self) -> str:
        """The memory limit of a build that changes little: what it reads it reads mostly once, and memory that is used
        again costs less than memory that was never touched."""
        limit = self._memory_bytes()
        return f"{min(limit, max(_ENOUGH_IN_HASTE, int(limit * _SHARE_IN_HASTE)))}B"

    def _memory_bytes(self) -> int:
        limit_of = "select parse_formatted_bytes(current_setting('memory_limit'))"
        try:
            with duckdb.connect(config={"memory_limit": self.memory_limit}) as connection:
                ((limit,),) = connection.execute(limit_of).fetchall()
        except duckdb.Error as error:
            raise _plain(error, self.path) from error
        return int(limit)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps every other writer out, without opening the file: for dbt, which opens it itself."""
        if self.path in _KEPT_OPEN.get():
            yield
            return
        with exclusive(self.lock_path, wait_seconds=self.lock_wait_seconds):
            yield

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """For many reads and writes in a row: the file is opened once, and not for each of them."""
        with self.held(), self._connection():
            token = _KEPT_OPEN.set(_KEPT_OPEN.get() | {self.path})
            try:
                yield
            finally:
                _KEPT_OPEN.reset(token)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One write: all of it is there afterwards, or nothing of it."""
        with self.session() as begin, begin() as connection:
            yield connection

    @contextmanager
    def session(self) -> Iterator[Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]]:
        """Many writes, each in a transaction of its own, without opening the file for each."""
        with self.held(), self._connection() as connection:
            yield lambda: _transaction(connection)

    @contextmanager
    def read(self, sql: str, parameters: list[object] | None = None) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query as a stream of Arrow batches; the file is closed when the block ends."""
        with self.held(), self._connection() as connection:
            yield connection.sql(sql, params=parameters or []).to_arrow_reader(_BATCH_ROWS)

    def table(self, sql: str, parameters: list[object] | None = None) -> pa.Table:
        """The rows of a query that fits in memory."""
        with self.read(sql, parameters) as reader:
            return reader.read_all()

    def rows(self, sql: str, parameters: list[object] | None = None) -> list[dict[str, Any]]:
        """The rows of a small query, for pages and summaries."""
        return self.table(sql, parameters).to_pylist()

    def exists(self, table: str) -> bool:
        """Whether `schema.table` is there."""
        schema, _, name = table.partition(".")
        found = self.rows(
            "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
            [schema, name],
        )
        return bool(found)

    def replace(self, table: str, batches: pa.Table | pa.RecordBatchReader) -> int:
        """Puts `batches` in the place of `table`'s rows and definition; returns the number of rows."""
        with self.transaction() as connection:
            connection.execute(f"create schema if not exists {table.partition('.')[0]}")
            connection.register("batches", batches)
            return int(connection.execute(f"create or replace table {table} as select * from batches").fetchall()[0][0])

    def derive(self, table: str, sql: str, change: Change) -> int:
        """Puts in the place of `table` what `change` makes of a query's batches, of which it holds a few at a time.

        Returns the number of rows. The query sees the warehouse as it was before.
        """
        with self.held(), self._connection() as connection:
            source = connection.cursor()
            source.execute("set TimeZone = 'UTC'")
            with source.sql(sql).to_arrow_reader(_BATCH_ROWS) as reader, _transaction(connection):
                connection.execute(f"create schema if not exists {table.partition('.')[0]}")
                connection.register("batches", change(reader))
                made = connection.execute(f"create or replace table {table} as select * from batches")
                return int(made.fetchall()[0][0])

    def forget_derived(self) -> None:
        """Drops every schema but `raw`: the next build makes all of it again from what was landed."""
        with self.transaction() as connection:
            schemas = connection.execute(
                "select schema_name from duckdb_schemas() where database_name = current_database() "
                "and not internal and schema_name not in ('raw', 'main')"
            ).fetchall()
            for (schema,) in schemas:
                connection.execute(f'drop schema "{schema}" cascade')

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            connection = duckdb.connect(str(self.path), config={"memory_limit": self.memory_limit})
            connection.execute("set TimeZone = 'UTC'")
            connection.execute("set enable_progress_bar = false")  # it would print into a program's output
            # Rows that moved up would be written anew by whoever closes the file; builds do it once a night.
            connection.execute("set max_vacuum_tasks = 0")
        except duckdb.Error as error:
            raise _plain(error, self.path) from error
        try:
            yield connection
        except duckdb.IOException as error:
            raise _plain(error, self.path) from error
        finally:
            connection.close()


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    connection.execute("begin")
    try:
        yield connection
        connection.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):  # a fatal error has ended the transaction already
            connection.execute("rollback")
        raise


def _plain(error: duckdb.Error, path: Path) -> SincerelyError:
    text = str(error)
    first_line = next(iter(text.splitlines()), "")
    if is_disk_full(text):
        return storage_error(OSError(errno.ENOSPC, ""), path)
    if "lock on file" in text:
        return WarehouseError(f"{path} is open in another program; close it, then run again. ({first_line})")
    return WarehouseError(
        f"{path} cannot be used: {first_line} If the file is damaged, move it away and run again: "
        "everything derived is rebuilt from the landing zone."
    )
