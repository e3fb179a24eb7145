"""Connectors within the real command: assets of their own, before the landing, never in its way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration import dbt
from orchestration.settings import load_settings
from tests.conftest import ROOT, SECRET, Sincerely
from tests.orchestration.connected import ConnectedHome
from tests.servers import Postgres, Shop

SOURCES = """
[shop_db]
type = "sql"
url_env = "SHOP_DB_URL"
[[shop_db.tables]]
entity = "shop/order_lines"
table = "lines"

[old_db]
type = "sql"
url_env = "OLD_DB_URL"
[[old_db.tables]]
entity = "crm/contacts"
table = "people"

[store_api]
type = "rest"
base_url = "{url}"
auth = {{type = "bearer", token_env = "STORE_API_TOKEN"}}
attempts = 1
[[store_api.resources]]
entity = "shop/orders"
path = "/orders"
records = "data"
paginator = {{type = "page_number", base_page = 1, has_more_path = "has_more"}}
"""


@pytest.fixture
def connected(tmp_path: Path, postgres_server: Postgres, shop: Shop) -> Iterator[tuple[ConnectedHome, dict[str, str]]]:
    """A shop in PostgreSQL, its people in SQLite, its orders behind an API."""
    postgres_server.execute("create database command")
    postgres_server.execute(
        "create table lines (order_id text, line_number int, product_id text, quantity int, "
        "unit_price_amount numeric(10, 2))",
        "insert into lines values ('o1', 1, 'p1', 2, 12.50), ('o1', 2, 'p2', 1, 1.00), ('o2', 1, 'p1', -1, 3.00)",
        database="command",
    )
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("create table people (contact_id text, email text, signed_up_at text)")
        old.executemany(
            "insert into people values (?, ?, '2017-01-01T00:00:00Z')", [(f"c{n}", f"p{n}@example.com") for n in (1, 2)]
        )
    shop.records = [{"order_id": "o1", "customer_id": "c1", "ordered_at": "2017-06-01T00:00:00Z"}]
    home = ConnectedHome(tmp_path / "home")
    home.configure(SOURCES.format(url=shop.url))
    yield (
        home,
        {
            "SHOP_DB_URL": postgres_server.url("command"),
            "OLD_DB_URL": f"sqlite:///{tmp_path / 'old.db'}",
            "STORE_API_TOKEN": shop.token,
        },
    )
    postgres_server.execute("drop database command with (force)")


def staged(home: Path, as_of: str) -> dict[str, list[tuple[object, ...]]]:
    """What dbt makes of the landed rows, as known at `as_of`."""
    settings = load_settings({"SINCERELY_HOME": str(home), "SINCERELY_SECRET": SECRET})
    done = subprocess.run(
        [
            dbt.executable(), "build", "--project-dir", str(dbt.DBT_PROJECT), "--target-path", str(home / "target"),
            "--vars", f'{{"as_of": "{as_of}", "segments": []}}', "--select",
            "+stg_crm__contacts", "+stg_shop__order_lines", "+load_reconciliation",
            "test_type:unit,stg_landing__deletions", "every_received_row_is_accounted_for",
        ],
        env={"PATH": str(Path(sys.executable).parent), "HOME": str(home), **dbt.environment(settings)},
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return {
            "contacts": connection.execute("select contact_id from staging.stg_crm__contacts order by all").fetchall(),
            "lines": connection.execute(
                "select order_id, line_number from staging.stg_shop__order_lines order by all"
            ).fetchall(),
            "loads": connection.execute(
                "select entity, sum(rows_received), sum(rows_staged), sum(rows_quarantined) "
                "from quality.load_reconciliation group by all order by all"
            ).fetchall(),
        }


@pytest.mark.long
def test_what_vanished_is_left_out_from_when_it_was_seen_and_a_failure_stops_nothing_else(
    connected: tuple[ConnectedHome, dict[str, str]], sincerely: Sincerely, shop: Shop, tmp_path: Path
) -> None:
    home, environ = connected
    user = tmp_path / "user"
    done = sincerely(home.path, "land", "--as-of", "2017-12-01", HOME=str(user), **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (user / ".dlt").exists()
    assert "sources.shop_db__shop_order_lines" in done.stdout
    assert "no known source/entity" not in done.stdout
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("delete from people where contact_id = 'c2'")
    shop.faults = [500]
    broken = {**environ, "SHOP_DB_URL": environ["SHOP_DB_URL"].replace("/command", "/nowhere")}
    done = sincerely(home.path, "land", "--as-of", "2017-12-02", **broken)
    assert done.returncode == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    assert len(problems) == 2
    assert any("shop_db (table lines for shop/order_lines): the database said" in line for line in problems)
    assert any("store_api (resource /orders for shop/orders): " in line and "500" in line for line in problems)
    assert "password-for-tests-only" not in done.stdout + done.stderr
    assert home.deletions() == [("c2", True)]
    status = sincerely(home.path, "status").stdout
    assert "old_db/crm_contacts: 0 rows at " in status
    assert "failed at " in status
    before, after = staged(home.path, "2017-12-01 12:00:00"), staged(home.path, "2017-12-02 00:00:00")
    assert before["contacts"] == [("c1",), ("c2",)]
    assert after["contacts"] == [("c1",)]
    assert after["lines"] == [("o1", 1), ("o1", 2)]
    assert after["loads"] == [("contacts", 2, 2, 0), ("order_lines", 3, 2, 1), ("orders", 1, 1, 0)]


def test_each_stream_is_an_asset_before_its_landing_and_none_costs_nothing(
    connected: tuple[ConnectedHome, dict[str, str]], tmp_path: Path
) -> None:
    home, _ = connected
    script = """
import sys
from orchestration.definitions import definitions
graph = definitions.resolve_asset_graph()
for key in sorted(graph.get_all_asset_keys()):
    if key.path[0] == "sources":
        children = sorted(child.to_user_string() for child in graph.get(key).child_keys)
        print(key.to_user_string(), *sorted(graph.get(key).kinds), graph.get(key).group_name, *children)
print("dlt" in sys.modules)
"""
    printed = {}
    for folder in (home.path, tmp_path / "bare"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            env={"PATH": "", "HOME": str(tmp_path), "SINCERELY_HOME": str(folder), "SINCERELY_SECRET": SECRET},
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        printed[folder.name] = done.stdout.splitlines()
    assert printed["bare"] == ["False"]
    assert printed["home"] == [
        "sources/old_db/crm_contacts dlt sqlalchemy landing raw/crm_contacts",
        "sources/shop_db/shop_order_lines dlt sqlalchemy landing raw/shop_order_lines",
        "sources/store_api/shop_orders api dlt landing raw/shop_orders",
        "False",
    ]
