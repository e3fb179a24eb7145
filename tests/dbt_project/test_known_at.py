"""`known_at`: a build sees what had landed by then, and nothing that landed later, whatever time it speaks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.delivery.outbox import Outbox, Planned
from orchestration.landing import files
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.building import build, land

AS_OF = datetime(2017, 12, 31)
FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = datetime(2026, 1, 2, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)
TABLES = (
    "lifecycle_stages", "orders", "load_reconciliation", "quarantine", "data_quality", "schema_drift",
    "stg_outbox__messages",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two landings a day apart. The second cancels an order, brings another, a broken row, and a message of ours."""
    home = tmp_path_factory.mktemp("home")
    settings = load_settings({"SINCERELY_HOME": str(home)})
    write(home, "crm/contacts/1.csv", "contact_id,email,signed_up_at", "a,ada@example.com,2017-01-01")
    write(home, "shop/orders/1.csv", "order_id,customer_id,ordered_at", "o1,a,2017-12-02")
    land(settings, FIRST)
    write(
        home, "shop/orders/2.csv", "order_id,customer_id,ordered_at,status,gift", "o1,a,2017-12-02,cancelled,x",
        "o2,a,2017-11-01,placed,x", "o3,a,never,placed,x", "o1,a,2017-12-02,cancelled,x",
    )  # fmt: skip
    land(settings, SECOND)
    outbox = Outbox(settings.outbox_url)
    outbox.plan([Planned("m", "spring", "once", "p", "default")], AS_OF)
    files.land_outbox(Warehouse(settings.warehouse), outbox, "raw.outbox_messages")
    # Another loader's table, without a word on when its rows came.
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("""
            create table raw.shopify_orders as
            select '#1' as name, 'bob@example.com' as email, 'paid' as financial_status, 'USD' as currency,
                '2017-12-05 10:00:00 -0500' as created_at, '5' as subtotal, '5' as total
        """)
    return home


def write(home: Path, name: str, *lines: str) -> None:
    path = home / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def seen(home: Path, known_at: datetime | None) -> dict[str, list[tuple[Any, ...]]]:
    settings = build(home, AS_OF, TABLES, known_at=known_at)
    queries = {
        "orders": "select order_id, status from core.orders order by all",
        "stages": "select lifecycle_stage from core.lifecycle_stages order by all",
        "quarantine": "select file from quality.quarantine order by all",
        "loads": """
            select file, rows_received, rows_staged, rows_quarantined, rows_duplicate
            from quality.load_reconciliation order by all
        """,
        "landings": "select count(distinct landed_at) from quality.data_quality where entity = 'shop_orders'",
        "drift": "select distinct column_name from quality.schema_drift order by all",
        "outbox": "select message_id from staging.stg_outbox__messages",
    }
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def test_a_build_sees_a_landing_from_its_very_instant_on_and_all_of_it(home: Path) -> None:
    before = seen(home, SECOND - A_SECOND)
    # Another loader's rows are known all along.
    assert before["orders"] == [("#1", "placed"), ("o1", "placed")]
    assert before["stages"] == [("new_customer",), ("new_customer",)]
    assert before["quarantine"] == []
    assert before["loads"] == [("crm/contacts/1.csv", 1, 1, 0, 0), ("shop/orders/1.csv", 1, 1, 0, 0)]
    assert before["landings"] == [(1,)]
    assert before["drift"] == []

    then = seen(home, SECOND)
    assert then["orders"] == [("#1", "placed"), ("o1", "cancelled"), ("o2", "placed")]
    assert then["stages"] == [("active_customer",), ("new_customer",)]
    assert then["quarantine"] == [("shop/orders/2.csv",)]
    assert then["loads"][2] == ("shop/orders/2.csv", 4, 2, 1, 1)
    assert then["landings"] == [(2,)]
    assert then["drift"] == [("gift",), ("ordered_at",), ("status",)]

    now = seen(home, None)
    assert {name: rows for name, rows in now.items() if name != "outbox"} == {
        name: rows for name, rows in then.items() if name != "outbox"
    }
    # The message was landed by the clock, long after both landings.
    assert before["outbox"] == then["outbox"] == []
    assert now["outbox"] == [("m",)]
