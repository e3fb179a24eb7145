"""A third party's shape that another loader brought: other names, nested types, no record of landing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration import dbt
from orchestration.landing import files
from orchestration.settings import DBT_PROJECT, Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.building import run_dbt

_BROUGHT = """
    create table raw.segment_events (
        message_id varchar, "Type" varchar, "anonymousId" varchar, event varchar,
        properties struct(product_id varchar, sizes varchar[]), "timestamp" timestamptz, size varchar, _dlt_id varchar
    );
    insert into raw.segment_events values
        ('m1', 'track', 'a', 'Product Viewed', {'product_id': 'p', 'sizes': ['S']}, '2021-01-31 10:00:00+01', 'S', 'x'),
        ('m1', 'track', 'a', 'Product Viewed', {'product_id': 'p', 'sizes': ['S']}, '2021-01-31 10:00:00+01', 'S', 'y'),
        ('m2', 'track', 'a', null, null, '2021-01-31 10:00:00+01', 'XL', 'z');
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path_factory.mktemp("home"))})
    files.prepare(Warehouse(settings.warehouse))
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(_BROUGHT)
    _build(settings)
    return settings.warehouse


def _build(settings: Settings) -> None:
    run_dbt(
        [
            "build", "--exclude-resource-type", "unit_test",
            "--select", "+quarantine", "+load_reconciliation", "+int_web_events", "+int_orders",
            "--project-dir", str(DBT_PROJECT), "--target-path", str(dbt.target_path(settings)),
            "--vars", dbt.variables(datetime(2021, 12, 31)),
        ],
        dbt.build_environment(settings),
    )  # fmt: skip


def rows(warehouse: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_table_of_another_loader_is_read_under_its_own_names(warehouse: Path) -> None:
    assert rows(
        warehouse,
        "select source, message_id, anonymous_id, properties ->> '$.product_id', properties ->> '$.sizes[0]', "
        "occurred_at, received_at from staging.int_web_events",
    ) == [("segment", "m1", "a", "p", "S", datetime(2021, 1, 31, 9), None)]


def test_its_refused_row_is_whole_in_quarantine_and_its_repeat_is_numbered(warehouse: Path) -> None:
    ((file, row_number, reason, name, extra),) = rows(
        warehouse,
        "select file, row_number, reason, row_json ->> '$.message_id', row_json ->> '$._extra' from quality.quarantine",
    )
    assert (file, row_number, reason) == ("raw.segment_events", 3, "event is missing in a track")
    assert (name, extra) == ("m2", '{"size":"XL"}')
    assert rows(warehouse, "select _row, _copy_number from staging.base_segment__events order by _row") == [
        (1, 1), (2, 2), (3, 1),
    ]  # fmt: skip


def test_a_shape_without_a_table_is_empty(warehouse: Path) -> None:
    assert rows(warehouse, "select count(*) from staging.src_shopify__orders") == [(0,)]
    assert rows(warehouse, "select count(*) from staging.int_orders") == [(0,)]
