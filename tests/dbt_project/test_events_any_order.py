"""What an ESP tells gives the same tables in whatever order, files and number of copies it comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.building import build, land, refresh
from tests.esp_events import delivered_as_webhooks_do, events, write_in_random_files, write_jsonl, write_people

AS_OF = datetime(2017, 12, 31)
TABLES = (
    "core.email_events", "core.activity", "core.suppressed_emails", "core.suppressions", "core.contactability",
    "core.engagement_levels", "measurement.campaign_results", "delivery.complaint_rates",
)  # fmt: skip
_LANDED = datetime(2018, 1, 1, tzinfo=UTC)


def _rows(home: Path, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """The tables' rows but for the number of the refresh that wrote them, in an order of their own."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        found = {}
        for table in tables:
            columns = [row[0] for row in connection.execute(f"describe {table}").fetchall() if row[0] != "_refresh"]
            found[table] = connection.execute(f"select {', '.join(columns)} from {table} order by all").fetchall()
        return found


def _in_order(home: Path, people: int) -> int:
    told = events(people)
    write_people(home / "landing", people)
    write_jsonl(home / "landing/sendgrid/events/all.jsonl", told)
    return len(told)


def _names() -> list[str]:
    return [table.partition(".")[2] for table in TABLES]


def test_events_in_any_order_and_number_give_the_tables_of_once_in_order(tmp_path: Path) -> None:
    people, ordered, shuffled = 900, tmp_path / "ordered", tmp_path / "shuffled"
    count = _in_order(ordered, people)
    write_people(shuffled / "landing", people)
    write_in_random_files(shuffled / "landing", delivered_as_webhooks_do(events(people), seed=5), files=12, seed=5)
    for home in (ordered, shuffled):
        settings = load_settings({"SINCERELY_HOME": str(home)})
        land(settings)
        Warehouse(settings.warehouse).replace("raw.hash_keys", _key())
        build(home, AS_OF, _names())

    expected, found = _rows(ordered, *TABLES), _rows(shuffled, *TABLES)
    assert len(expected["core.email_events"]) == count
    assert {row[0] for row in _rows(ordered, "delivery.complaint_rates")["delivery.complaint_rates"]} == {
        "autumn", "spring",
    }  # fmt: skip
    assert [table for table in TABLES if found[table] != expected[table]] == []


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_100_000_events_in_any_order_and_refresh_give_the_tables_of_once_in_order(tmp_path: Path, seed: int) -> None:
    people, ordered, shuffled = 36_000, tmp_path / "ordered", tmp_path / "shuffled"
    assert _in_order(ordered, people) >= 100_000
    settings = load_settings({"SINCERELY_HOME": str(ordered)})
    land(settings)
    refresh(settings, AS_OF)

    # They come in three refreshes, the later two of which build only what is new.
    settings = load_settings({"SINCERELY_HOME": str(shuffled)})
    sent = delivered_as_webhooks_do(events(people), seed)
    write_people(settings.landing, people)
    for number in range(3):
        part = sent[number::3]
        write_in_random_files(settings.landing, part, files=40, seed=10 * seed + number)
        land(settings, _LANDED + timedelta(hours=number))
        refresh(settings, AS_OF)
    expected, found = _rows(ordered, *TABLES), _rows(shuffled, *TABLES)
    assert [table for table in TABLES if found[table] != expected[table]] == []


def _key() -> Any:
    import pyarrow as pa

    return pa.table({"key": ["a key for tests"]})
