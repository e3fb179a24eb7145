"""The machine's own time zone decides nothing: what landed is read in UTC, whatever shape it came in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.building import land_and_build

# Two seconds around the change of the clocks in New York, and one on a leap day that is elsewhere March already.
SPRING = [datetime(2016, 3, 13, 6, 59, 59, tzinfo=UTC), datetime(2016, 3, 13, 7, 0, 0, tzinfo=UTC)]
LEAP_DAY = datetime(2016, 2, 29, 23, 59, 59, tzinfo=UTC)
MOMENTS = [LEAP_DAY, *SPRING]


@pytest.fixture(params=["America/New_York", "Asia/Kolkata"])
def local_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_an_instant_is_the_same_from_csv_json_and_parquet_wherever_the_machine_stands(
    tmp_path: Path, local_time: str
) -> None:
    folder = tmp_path / "landing" / "shop" / "orders"
    folder.mkdir(parents=True)
    there = timezone(timedelta(hours=5, minutes=30))
    shapes = {
        "utc": [at.isoformat().replace("+00:00", "Z") for at in MOMENTS],
        "offset": [at.astimezone(there).isoformat() for at in MOMENTS],
        "none": [at.replace(tzinfo=None).isoformat() for at in MOMENTS],
    }
    for shape, texts in shapes.items():
        rows = [(f"csv-{shape}-{n}", "a@example.com", text) for n, text in enumerate(texts)]
        header = "order_id,email,ordered_at\n"
        (folder / f"{shape}.csv").write_text(header + "".join(",".join(row) + "\n" for row in rows))
        (folder / f"{shape}.jsonl").write_text(
            "".join(
                json.dumps({"order_id": f"json-{shape}-{n}", "email": "a@example.com", "ordered_at": text}) + "\n"
                for n, text in enumerate(texts)
            )
        )
    for zone in (None, "UTC", "America/New_York"):
        values = [at if zone else at.replace(tzinfo=None) for at in MOMENTS]
        ids = [f"parquet-{zone}-{n}" for n in range(len(MOMENTS))]
        table = {"order_id": ids, "email": ["a@example.com"] * len(ids)}
        table["ordered_at"] = pa.array(values, pa.timestamp("us", zone))
        pq.write_table(pa.table(table), folder / f"{str(zone).replace('/', '_')}.parquet")

    land_and_build(tmp_path, datetime(2016, 3, 13, 7), ["orders"])

    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute("select order_id, ordered_at from core.orders").fetchall()
    assert len(found) == 9 * len(MOMENTS)
    wrong = [(name, at) for name, at in found if at != MOMENTS[int(name[-1])].replace(tzinfo=None)]
    assert wrong == []
