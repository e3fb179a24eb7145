"""Databases into the landing zone, from a real PostgreSQL server and from SQLite."""

from __future__ import annotations

import dataclasses
import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.connectors.settings import load_streams
from orchestration.connectors.sync import sync
from orchestration.landing import deletions, files
from tests.orchestration.connected import AS_OF, ConnectedHome
from tests.servers import Postgres

_NAMES = itertools.count(1)
CUSTOMERS = """
[shop_db]
type = "sql"
url_env = "SHOP_DB_URL"
[[shop_db.tables]]
entity = "crm/contacts"
table = "customers"
schema = "public"
columns = {contact_id = "id", signed_up_at = "created_at"}
"""
INCREMENTAL = CUSTOMERS + 'cursor = "updated_at"\n'
TABLE = """
create table customers (
    id integer primary key, email text, created_at timestamptz not null default '2026-01-01 12:00+00',
    updated_at timestamptz
)
"""


class Database:
    """A database of its own on the shared server."""

    def __init__(self, server: Postgres) -> None:
        self.server, self.name = server, f"shop_{next(_NAMES)}"
        server.execute(f"create database {self.name}")
        self.url = server.url(self.name)

    def run(self, *statements: str) -> None:
        self.server.execute(*statements, database=self.name)

    def fill(self, first: int, last: int, updated_at: str = "2026-02-01 00:00+00") -> None:
        self.run(
            "insert into customers (id, email, updated_at) select n, 'p' || n || '@example.com', "
            f"timestamptz '{updated_at}' from generate_series({first}, {last}) n"
        )


@pytest.fixture
def database(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Database:
    database = Database(postgres_server)
    database.run(TABLE)
    monkeypatch.setenv("SHOP_DB_URL", database.url)
    return database


@pytest.fixture
def home(tmp_path: Path) -> ConnectedHome:
    return ConnectedHome(tmp_path / "home")


def contacts(home: ConnectedHome) -> list[str]:
    return [row["contact_id"] for row in home.rows("select contact_id from raw.crm_contacts order by all")]


def test_values_of_every_type_arrive_as_text_with_times_in_utc(database: Database, home: ConnectedHome) -> None:
    database.run(
        "alter table customers add is_deleted boolean, add birth_date date, add preferences jsonb, "
        "add amount numeric(30, 4), add tags text[], add token uuid, add seen timestamp",
        "insert into customers values (1, 'a@example.com', '2026-01-01 10:00+02', '2026-01-02 00:00:00.25-05', true, "
        "'2000-02-29', '[\"wine\"]', 12345678901234567890.1250, '{a,b}', "
        "'6f1d3c62-3a7e-4b58-9c1f-0e6f5d1a2b3c', '2026-01-03 04:05:06')",
    )
    home.configure(INCREMENTAL)
    home.taken()
    (row,) = home.rows("select * from raw.crm_contacts")
    assert row["contact_id"] == "1"
    assert row["signed_up_at"] == "2026-01-01T08:00:00+00:00"
    assert row["updated_at"] == "2026-01-02T05:00:00.250000+00:00"
    assert (row["is_deleted"], row["birth_date"], row["preferences"]) == ("true", "2000-02-29", '["wine"]')
    assert row["_extra"] == (
        '{"amount":"12345678901234567890.1250","seen":"2026-01-03T04:05:06","tags":"[\\"a\\", \\"b\\"]",'
        '"token":"6f1d3c62-3a7e-4b58-9c1f-0e6f5d1a2b3c"}'
    )


def test_an_incremental_sync_takes_what_is_new_or_changed_and_nothing_twice(
    database: Database, home: ConnectedHome
) -> None:
    database.fill(1, 3)
    home.configure(INCREMENTAL)
    assert home.taken().rows_delivered == 3
    assert home.taken().rows_delivered == 0
    # One more with the very value that was the newest, one after it, one changed.
    database.fill(4, 4)
    database.fill(5, 5, "2026-02-01 00:10+00")
    database.run("update customers set email = 'new@example.com', updated_at = '2026-02-02 00:00+00' where id = 1")
    assert home.taken().rows_delivered == 3
    assert contacts(home) == ["1", "1", "2", "3", "4", "5"]
    assert home.taken().rows_delivered == 0


def test_a_row_that_was_committed_late_is_found_within_the_lag(database: Database, home: ConnectedHome) -> None:
    import psycopg

    home.configure(INCREMENTAL)
    with psycopg.connect(database.url) as slow:
        slow.execute("insert into customers (id, email, updated_at) values (1, 'late@example.com', '2026-02-01 00:00')")
        database.fill(2, 2, "2026-02-01 00:04")
        assert home.taken().rows_delivered == 1
        slow.commit()
    assert home.taken().rows_delivered == 1
    assert contacts(home) == ["1", "2"]
    database.fill(3, 3, "2026-01-31 23:00")
    assert home.taken().rows_delivered == 0
    home.configure(CUSTOMERS + 'cursor = {column = "updated_at", lag = 86400}\n')
    home.taken()
    assert "3" in contacts(home)


def test_rows_without_a_cursor_value_are_taken_once(database: Database, home: ConnectedHome) -> None:
    database.fill(1, 2)
    home.configure(INCREMENTAL)
    home.taken()
    database.run("insert into customers (id, email) values (3, 'c@example.com')")
    assert home.taken().rows_delivered == 1
    assert home.taken().rows_delivered == 0
    assert contacts(home) == ["1", "2", "3"]


def test_a_query_over_numbers_is_read_by_its_cursor_too(database: Database, home: ConnectedHome) -> None:
    database.run("create table orders (id bigint primary key, who int)", "insert into orders values (1, 7), (2, 7)")
    home.configure(
        '[shop_db]\ntype = "sql"\nurl_env = "SHOP_DB_URL"\n[[shop_db.tables]]\nentity = "shop/orders"\n'
        "query = \"select id as order_id, who as customer_id, '2026-01-01' as ordered_at from orders;\"\n"
        'cursor = "order_id"\n'
    )
    assert home.taken().rows_delivered == 2
    database.run("insert into orders values (3, 8)")
    assert home.taken().rows_delivered == 1
    found = home.rows("select order_id, customer_id from raw.shop_orders order by all")
    assert found == [{"order_id": str(n), "customer_id": "7" if n < 3 else "8"} for n in (1, 2, 3)]


def test_a_full_refresh_deletes_what_vanished_and_takes_back_what_returned(
    database: Database, home: ConnectedHome
) -> None:
    database.fill(1, 4)
    home.configure(CUSTOMERS)
    assert home.taken().rows_delivered == 4
    assert home.taken().rows_delivered == 0
    database.run(
        "delete from customers where id in (2, 3)", "update customers set email = 'x@example.com' where id = 4"
    )
    assert home.taken().rows_delivered == 1
    assert home.deletions() == [("2", True), ("3", True)]
    database.fill(2, 2)
    database.run("update customers set email = 'p4@example.com' where id = 4")
    assert home.taken().rows_delivered == 2
    assert home.deletions() == [("2", True), ("3", True), ("2", False)]
    # What goes back to what it was is a version of its own, the newest.
    versions = home.rows("select email from raw.crm_contacts where contact_id = '4' order by _extra")
    assert [row["email"] for row in versions] == ["p4@example.com", "x@example.com", "p4@example.com"]
    found = home.rows("select rows_count, keys_deleted, keys_returned from raw.snapshots order by snapshot_id")
    assert [tuple(row.values()) for row in found] == [(4, 0, 0), (2, 2, 0), (3, 0, 1)]


def test_a_deletion_names_only_keys_of_its_own_connector(database: Database, home: ConnectedHome) -> None:
    database.fill(1, 2)
    home.configure(CUSTOMERS)
    folder = home.path / "landing/crm/contacts"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("contact_id,email,signed_up_at\n9,i@example.com,2026-01-01\n")
    home.taken()
    database.run("delete from customers where id = 1")
    home.taken()
    assert home.deletions() == [("1", True)]


def test_a_refresh_that_fails_half_way_delivers_and_deletes_nothing(database: Database, home: ConnectedHome) -> None:
    database.fill(1, 30_000)
    database.run("create view shown as select id, email, created_at, 1 / (id - 0) as one from customers")
    home.configure(CUSTOMERS.replace("customers", "shown"))
    home.taken()
    database.run(
        "delete from customers where id between 10 and 20",
        "create or replace view shown as select id, email, created_at, 1 / (id - 29000) as one from customers",
    )
    before = list(home.path.glob("landing/*/*/*/*"))
    done = home.sync()
    assert done.rows_read > 10_000
    assert "division by zero" in done.problem
    assert home.land() == []
    assert list(home.path.glob("landing/*/*/*/*")) == before
    assert home.deletions() == []


def test_an_empty_snapshot_is_held_until_it_is_allowed(database: Database, home: ConnectedHome) -> None:
    database.fill(1, 2)
    home.configure(CUSTOMERS)
    home.taken()
    database.run("delete from customers")
    problem = home.sync().problem
    assert "came back empty after 2 rows" in problem
    assert "allow_empty = true" in problem
    home.land()
    assert home.deletions() == []
    home.configure(CUSTOMERS + "allow_empty = true\n")
    home.taken()
    assert home.deletions() == [("1", True), ("2", True)]


def test_a_new_column_is_kept_and_a_missing_one_is_named(database: Database, home: ConnectedHome) -> None:
    database.fill(1, 1)
    home.configure(INCREMENTAL)
    home.taken()
    database.run("alter table customers add size text default 'XL'")
    database.fill(2, 2, "2026-02-03 00:00+00")
    home.taken()
    extras = home.rows("select contact_id, _extra from raw.crm_contacts order by contact_id, _row")
    # The first row is within the lag, and is not what it was: a version more, no repeat.
    assert [tuple(row.values()) for row in extras] == [("1", None), ("1", '{"size":"XL"}'), ("2", '{"size":"XL"}')]
    database.run("alter table customers drop email")
    database.run("insert into customers (id, updated_at) values (3, '2026-02-04 00:00+00')")
    problem = home.sync().problem
    assert "has no column email" in problem
    assert 'columns = {email = "..."}' in problem
    # Nothing was passed over: with the column back, the row is taken.
    database.run("alter table customers add email text default 'c@example.com'")
    home.taken()
    assert "3" in contacts(home)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text, url: (text, ""), "the environment variable SHOP_DB_URL is not set"),
        (lambda text, url: (text.replace('"customers"', '"clients"'), url), "there is no such table"),
        (lambda text, url: (text.replace('"updated_at"', '"changed_at"'), url), "the cursor's column does not exist"),
        (lambda text, url: (text, url.replace("password-", "wrong-password-")), "password authentication failed"),
        (lambda text, url: (text, "no url at all, but wrong-password-1"), "the URL is not one that SQLAlchemy knows"),
        (lambda text, url: (text, "oracle://u:wrong-password-1@127.0.0.1/x"), "is not installed"),
    ],
)
def test_a_failure_says_what_to_do_and_no_secret(
    spoil: Callable[[str, str], tuple[str, str]],
    words: str,
    database: Database,
    home: ConnectedHome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, url = spoil(INCREMENTAL, database.url)
    monkeypatch.setenv("SHOP_DB_URL", url)
    home.configure(text)
    problem = home.sync().problem
    assert problem.startswith("shop_db (table public.")
    assert words in problem
    assert problem.endswith(".")
    assert "password-for-tests-only" not in problem
    assert "wrong-password" not in problem


def test_sqlite_is_read_like_any_database(home: ConnectedHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "shop.db"
    monkeypatch.setenv("SHOP_DB_URL", f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        connection.execute(
            "create table customers (id integer, email text, created_at timestamp, updated_at timestamp)"
        )
        connection.executemany(
            "insert into customers values (?, ?, '2026-01-01 00:00:00', ?)",
            [(n, f"p{n}@example.com", f"2026-02-01 00:00:{n:02d}") for n in range(10)],
        )
    home.configure(INCREMENTAL.replace('schema = "public"\n', "") + "part_rows = 4\n")
    done = home.taken()
    assert (done.rows_delivered, done.files) == (10, 3)
    with sqlite3.connect(file) as connection:
        connection.execute("insert into customers values (10, 'p10@example.com', '2026-01-01 00:00:00', '2026-02-02')")
        connection.execute("update customers set updated_at = '2026-02-02 00:00:00' where id = 10")
    assert home.taken().rows_delivered == 1
    assert len(contacts(home)) == 11


def test_another_secret_in_the_home_deletes_nothing(database: Database, home: ConnectedHome) -> None:
    database.fill(1, 3)
    home.configure(CUSTOMERS)
    assert home.sync().rows_delivered == 3
    (stream,) = load_streams(home.path)
    other = dataclasses.replace(home.settings, secret="another-secret-for-tests")
    files.prepare(home.warehouse)
    files.land(home.warehouse, home.path / "landing", stream.entity, AS_OF)
    assert deletions.record(home.warehouse, other, [stream], AS_OF) == []
    assert sync(stream, other).rows_delivered == 3
    deletions.record(home.warehouse, other, [stream], AS_OF)
    assert home.deletions() == []
