"""`make faults`: thousands of damaged files into a real warehouse; every row is accounted for, and nothing breaks.

Each row carries tokens of its own. A token that stands in a file's bytes must stand, after landing, in a raw row or in
a rejected line, or its file must have been refused with a reason; then dbt accounts for every load's rows.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import random
import re
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rich.progress import track

from orchestration.landing import files
from orchestration.landing.contract import ENTITIES, Entity
from orchestration.landing.ledger import Load
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.building import build

_TOKEN = re.compile(rb"tok[0-9]+x[0-9]+x[0-9]+y")
_TIMES = ("signed_up_at", "occurred_at", "ordered_at", "timestamp", "sent_at", "updated_at")
_FORMATS = ("csv", "csv.gz", "jsonl", "jsonl.gz", "parquet")
_FILES_A_LANDING = 200

_TOKENS_LANDED = """
    select distinct unnest(regexp_extract_all(text, 'tok[0-9]+x[0-9]+x[0-9]+y')) as token
    from ({everything})
"""


def sample(draw: random.Random, number: int, entity: Entity) -> tuple[list[str], list[list[str]]]:
    """A header and rows of the entity; each text has a token that no other has."""
    columns = list(entity.columns)
    draw.shuffle(columns)
    rows = [
        [
            "2017-05-01T10:00:00Z" if column in _TIMES else f"tok{number}x{row}x{place}y"
            for place, column in enumerate(columns)
        ]
        for row in range(draw.randint(1, 12))
    ]
    return columns, rows


def encode(kind: str, columns: list[str], rows: list[list[str]]) -> bytes:
    """The rows as the bytes of a file of that kind."""
    if kind.startswith("csv"):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        content = text.getvalue().encode()
    elif kind.startswith("jsonl"):
        content = "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows).encode()
    else:
        sink = io.BytesIO()
        pq.write_table(pa.table(dict(zip(columns, zip(*rows, strict=True), strict=True))), sink)
        content = sink.getvalue()
    return content


def _flip(draw: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _cut(draw: random.Random, content: bytes) -> bytes:
    start = draw.randrange(len(content))
    return content[:start] if draw.random() < 0.5 else content[:start] + content[start + draw.randint(1, 60) :]


def _shuffle_columns(draw: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    place = draw.randrange(len(lines))
    fields = lines[place].split(b",")
    draw.shuffle(fields)
    return b"\n".join([*lines[:place], b",".join(fields), *lines[place + 1 :]])


def _mix_encodings(draw: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    place = draw.randrange(len(lines))
    text = lines[place].decode("utf-8", errors="replace") + draw.choice(["é", "ß–", "日本", "\ufeff"])
    lines[place] = text.encode(draw.choice(["utf-8", "cp1252", "utf-16", "shift_jis"]), errors="replace")
    return b"\n".join(lines)


def _null(draw: random.Random, content: bytes) -> bytes:
    tokens = _TOKEN.findall(content)
    value = draw.choice([b"", b"null", b"NULL", b"\\N", b"NaN", b"\x00"])
    return content.replace(draw.choice(tokens), value) if tokens else content + value


def _swell(draw: random.Random, content: bytes) -> bytes:
    tokens = _TOKEN.findall(content)
    long = draw.choice([b"x", b'"', b",", "é".encode(), b"\n"]) * 100_000
    return content.replace(draw.choice(tokens), long, 1) if tokens else content + long


def _mix_line_ends(draw: random.Random, content: bytes) -> bytes:
    return re.sub(rb"\n", lambda _: draw.choice([b"\n", b"\r\n", b"\r", b"\n\n"]), content)


def _repeat(draw: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join([*lines, *(draw.choice(lines) for _ in range(5))])


MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip, _cut, _shuffle_columns, _mix_encodings, _null, _swell, _mix_line_ends, _repeat,
)  # fmt: skip


def write_file(draw: random.Random, number: int, landing: Path) -> tuple[Entity, Path]:
    """A damaged file of some entity and format in the landing zone."""
    entity, kind = draw.choice(ENTITIES), draw.choice(_FORMATS)
    content = encode(kind, *sample(draw, number, entity))
    for _ in range(draw.randint(1, 2)):
        content = draw.choice(MUTATIONS)(draw, content) or b"\n"
    if kind.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
        if draw.random() < 0.2:
            content = _flip(draw, content)
    path = landing / entity.source / entity.name / f"{number}.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return entity, path


def tokens_of(path: Path) -> set[str]:
    """The tokens that stand whole in a text file; in a header they are names, and none."""
    content = path.read_bytes()
    if path.name.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return set()
    if path.name.endswith(".parquet"):
        return set()
    return {token.decode() for token in _TOKEN.findall(content)}


def campaign(folder: Path, count: int, seed: int = 7) -> list[str]:
    """Lands `count` damaged files and returns what was not accounted for, one sentence each."""
    draw = random.Random(seed)
    settings = load_settings({"SINCERELY_HOME": str(folder)})
    warehouse = Warehouse(settings.warehouse)
    files.prepare(warehouse)
    expected: dict[str, set[str]] = {}
    loads: list[Load] = []
    for first in track(range(0, count, _FILES_A_LANDING), description="landing damaged files"):
        for number in range(first, min(first + _FILES_A_LANDING, count)):
            _, path = write_file(draw, number, settings.landing)
            expected[str(path.relative_to(settings.landing))] = tokens_of(path)
        for entity in ENTITIES:
            loads.extend(files.land(warehouse, settings.landing, entity, datetime(2026, 1, 1, tzinfo=UTC)))
        for path in settings.landing.rglob("*.*"):
            if path.is_file():
                path.unlink()
    return [
        *_lost_tokens(warehouse, expected, loads),
        *_wrong_counts(warehouse, loads),
        *_unreconciled(settings, warehouse),
    ]


def _tables(warehouse: Warehouse) -> list[str]:
    """The raw tables that are there: a third party's comes with its first file."""
    return [f"raw.{entity.table}" for entity in ENTITIES if warehouse.exists(f"raw.{entity.table}")]


def _lost_tokens(warehouse: Warehouse, expected: dict[str, set[str]], loads: list[Load]) -> list[str]:
    everything = " union all ".join(
        [f"select to_json(landed)::varchar as text from {table} as landed" for table in _tables(warehouse)]
        # What a fault has moved into a header is a column's name from then on.
        + ["select row_text from raw.rejects", "select columns from raw.loads"]
    )
    found = {row["token"] for row in warehouse.rows(_TOKENS_LANDED.format(everything=everything))}
    landed = {load.file for load in loads if load.status == "landed"}
    problems = []
    for file, tokens in expected.items():
        lost = tokens - found
        if file in landed and lost:
            problems.append(f"{file}: {len(lost)} values are neither landed nor rejected, for example {min(lost)}")
    return problems


def _wrong_counts(warehouse: Warehouse, loads: list[Load]) -> list[str]:
    """Each load's rows are counted right, and each refused file says why in one line without a traceback."""
    counted = Counter(
        {
            row["load_id"]: row["n"]
            for row in warehouse.rows("select load_id, count(*) as n from raw.rejects group by all")
        }
    )
    for table in _tables(warehouse):
        for row in warehouse.rows(f"select _load_id, count(*) as n from {table} group by all"):
            counted[row["_load_id"]] += row["n"]
    problems = []
    for load in loads:
        if load.status == "landed" and counted[load.load_id] != load.rows_received:
            problems.append(f"{load.file}: {load.rows_received} rows received, {counted[load.load_id]} kept")
        if load.status == "failed" and (counted[load.load_id] or load.file not in load.error or "\n" in load.error):
            problems.append(f"{load.file}: refused with {load.error!r}")
    return problems


def _unreconciled(settings: Settings, warehouse: Warehouse) -> list[str]:
    problems = []
    try:
        build(settings.home, datetime(2017, 12, 31), ["quarantine", "load_reconciliation"], is_tested=True)
    except AssertionError as error:
        problems.append(f"dbt: {str(error)[-1500:]}")
    for row in warehouse.rows(
        "select load_id, rows_received, rows_staged, rows_quarantined, rows_duplicate from quality.load_reconciliation "
        "where rows_received <> rows_staged + rows_quarantined + rows_duplicate"
    ):
        problems.append(f"not accounted for: {row}")
    unexplained = "select count(*) as n from quality.quarantine where reason is null or row_json is null"
    if warehouse.rows(unexplained) != [{"n": 0}]:
        problems.append("rows in quarantine without a reason or their text")
    return problems


def main() -> None:
    """Runs a campaign and says what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problems = campaign(Path(folder), arguments.files, arguments.seed)
    for problem in problems[:50]:
        print(problem)
    print(f"{arguments.files:,} damaged files, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
