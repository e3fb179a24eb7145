"""How fast files land, and in how much memory, as they grow: CSV, Parquet and JSON Lines of order lines."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

_ROWS = 1_000_000
_FORMATS = {
    "csv": "(format csv, header)",
    "csv.gz": "(format csv, header, compression gzip)",
    "jsonl": "(format json)",
    "parquet": "(format parquet)",
}
# In a process of its own, so that its peak memory is the landing's alone.
_LAND = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from orchestration.landing import files
from orchestration.landing.contract import ENTITIES
from orchestration.warehouse import Warehouse
home = Path(sys.argv[1])
warehouse = Warehouse(home / "warehouse.duckdb")
files.prepare(warehouse)
entity = next(entity for entity in ENTITIES if entity.label == "shop/order_lines")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
loads = files.land(warehouse, home / "landing", entity, datetime(2026, 1, 1, tzinfo=UTC))
seconds = time.perf_counter() - started
assert all(load.status == "landed" for load in loads), loads
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"rows": sum(load.rows_received for load in loads), "seconds": seconds, "peak_gib": peak / 2**20}))
"""


@dataclass(frozen=True)
class Landing:
    """What landing one file came to."""

    kind: str
    rows: int
    seconds: float
    peak_gib: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


def measure(sizes: tuple[int, ...] = (1, 10)) -> list[Landing]:
    """Lands a file of each format at each size, in millions of rows, into a new warehouse."""
    return [_land(kind, size) for kind in _FORMATS for size in sizes]


def _land(kind: str, size: int) -> Landing:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "landing" / "shop" / "order_lines" / f"lines.{kind}"
        path.parent.mkdir(parents=True)
        duckdb.connect().execute(
            "copy (select 'order-' || i // 9 as order_id, i % 9 as line_number, 'product-' || i % 92331 as product_id, "
            "1 + i % 3 as quantity, (i % 1999) / 100 as unit_price_amount, (i % 7) / 10 as discount_amount "
            f"from range({size * _ROWS}) as lines (i)) to '{path}' {_FORMATS[kind]}"
        )
        done = subprocess.run([sys.executable, "-c", _LAND, folder], check=True, capture_output=True, text=True)
    return Landing(f"{kind}, {size}x", **json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    for landing in measure(tuple(int(size) for size in sys.argv[1:]) or (1, 10)):
        print(
            f"{landing.kind:<16} {landing.rows:>12,} rows {landing.seconds:>8.2f} s "
            f"{landing.rows_per_second:>12,.0f} rows/s {landing.peak_gib:>6.2f} GiB"
        )
