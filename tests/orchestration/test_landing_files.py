"""Files of every kind, good and bad, into a real warehouse."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.landing import files
from orchestration.landing.contract import ENTITIES, Entity
from orchestration.landing.ledger import Load
from orchestration.warehouse import Warehouse

CONTACTS = next(entity for entity in ENTITIES if entity.label == "crm/contacts")
HEADER = "contact_id,email,signed_up_at\n"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    files.prepare(warehouse)
    return warehouse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "landing" / "crm" / "contacts"
    folder.mkdir(parents=True)
    return folder


def land(warehouse: Warehouse, folder: Path, entity: Entity = CONTACTS) -> list[Load]:
    return files.land(warehouse, folder.parent.parent, entity, NOW)


def test_csv_json_lines_and_parquet_land_alike(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_text("\ufeffemail,contact_id,signed_up_at\na@example.com,1,2017-01-01\n")
    (folder / "b.jsonl").write_text('{"contact_id": 1, "email": "a@example.com", "signed_up_at": "2017-01-01"}\n')
    table = pa.table({"contact_id": ["1"], "email": ["a@example.com"], "signed_up_at": ["2017-01-01"]})
    pq.write_table(table, folder / "c.parquet")
    (folder / "d.csv.gz").write_bytes(gzip.compress(b"contact_id,email,signed_up_at\n1,a@example.com,2017-01-01\n"))
    loads = land(warehouse, folder)
    assert [load.status for load in loads] == ["landed"] * 4, [load.error for load in loads]
    rows = warehouse.rows("select distinct contact_id, email, signed_up_at from raw.crm_contacts")
    assert rows == [{"contact_id": "1", "email": "a@example.com", "signed_up_at": "2017-01-01"}]


def test_a_file_that_was_landed_is_not_landed_again_under_another_name(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_text(HEADER + "1,a@example.com,2017-01-01\n")
    land(warehouse, folder)
    (folder / "a.csv").rename(folder / "renamed.csv")
    assert [load.status for load in land(warehouse, folder)] == ["repeated"]
    assert warehouse.rows("select count(*) as n from raw.crm_contacts") == [{"n": 1}]


def test_a_file_that_grew_is_a_new_load(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_text(HEADER + "1,a@example.com,2017-01-01\n")
    land(warehouse, folder)
    (folder / "a.csv").write_text(HEADER + "1,a@example.com,2017-01-01\n2,b@example.com,2017-01-02\n")
    assert [load.rows_received for load in land(warehouse, folder)] == [2]


def test_unknown_columns_are_kept_as_json(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_text("contact_id,email,signed_up_at,size\n1,a@example.com,2017,XL\n")
    (folder / "b.jsonl").write_text(
        '{"contact_id":"2","email":"b@example.com","signed_up_at":"2017","deep":{"a":[1]}}\n'
    )
    land(warehouse, folder)
    extras = warehouse.rows("select _extra from raw.crm_contacts order by contact_id")
    assert extras == [{"_extra": '{"size":"XL"}'}, {"_extra": '{"deep":{"a":[1]}}'}]


def test_a_row_that_cannot_be_read_is_kept_with_its_number_and_reason(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_bytes(
        HEADER.encode() + b"1,a@example.com,2017\n2,b\n3,c@example.com,2017,x,y\n4,caf\xe9,2017\n5,e@example.com,2017\n"
    )
    good = b'{"contact_id":"6","email":"f@example.com","signed_up_at":"2017"}\n'
    twice = b'{"contact_id":"7","email":"g@example.com","contact_id":"8"}\n'
    (folder / "b.jsonl").write_bytes(b'{"contact_id":"caf\xe9"}\n' + good + b"not json\n[1]\n" + twice)
    land(warehouse, folder)
    rejects = warehouse.rows("select file, row_number, reason from raw.rejects order by file, row_number")
    assert [(row["row_number"], row["reason"]) for row in rejects] == [
        (2, "has fewer fields than the header"),
        (3, "has more fields than the header"),
        (4, "is not UTF-8 text"),
        (1, "is not UTF-8 text"),
        (3, "is not a JSON object"),
        (4, "is not a JSON object"),
        (5, "has a key more than once"),
    ]
    kept = warehouse.rows("select contact_id, _row from raw.crm_contacts order by contact_id")
    assert kept == [
        {"contact_id": "1", "_row": 1},
        {"contact_id": "5", "_row": 5},
        {"contact_id": "6", "_row": 2},
    ]


def test_a_quote_that_is_never_closed_costs_its_own_row_and_no_other(warehouse: Warehouse, folder: Path) -> None:
    good = [f"{number},a.{number}@example.com,2017\n" for number in range(1, 41)]
    lines = list(good)
    for number in (3, 4, 17, 30, 40):
        lines[number - 1] = f'{number},"a.{number}@example.com,2017\n'
    lines[9] = '10,"two\nlines",2017\n'
    (folder / "a.csv").write_text(HEADER + "".join(lines))
    (folder / "b.csv.gz").write_bytes(gzip.compress((HEADER + '1,"' + "x" * 20_000 + ",2017\n" + good[1]).encode()))
    loads = land(warehouse, folder)
    assert [(load.rows_received, load.rows_rejected) for load in loads] == [(40, 5), (2, 1)]
    rejects = warehouse.rows("select row_number, reason, row_text from raw.rejects where file like '%a.csv' order by 1")
    assert [row["row_number"] for row in rejects] == [3, 4, 17, 30, 40]
    assert {row["reason"] for row in rejects} == {"has a quote that is not closed"}
    assert rejects[0]["row_text"] == '3,"a.3@example.com,2017'
    kept = warehouse.rows("select contact_id, _row from raw.crm_contacts where _file like '%a.csv' order by _row")
    assert [(row["contact_id"], row["_row"]) for row in kept] == [
        (str(number), number) for number in range(1, 41) if number not in (3, 4, 17, 30, 40)
    ]


def test_lines_that_end_in_several_ways_land_all_the_same(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_bytes(
        HEADER.encode()
        + b'1,a@example.com,2017\r\n2,b@example.com,2017\r3,"c\r\nc",2017\n\n4,"d,2017\r\n5,e@example.com,2017'
    )
    (load,) = land(warehouse, folder)
    assert (load.status, load.rows_received, load.rows_rejected) == ("landed", 5, 1)
    kept = warehouse.rows("select contact_id from raw.crm_contacts order by _row")
    assert [row["contact_id"] for row in kept] == ["1", "2", "3", "5"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "is empty"),
        ("empty.jsonl", b"", "is empty"),
        ("wrong.csv", b"contact_id,mail\n1,2\n", "lacks the required column email"),
        ("wrong.jsonl", b'{"id": 1}\n', "lacks the required column"),
        ("latin.csv", "contact_id,email,signed_up_at,größe\n".encode("latin-1"), "UTF-8"),
        ("utf16.csv", (HEADER + "1,a@example.com,2017\n").encode("utf-16"), "UTF-8"),
        ("twice.csv", b"contact_id,email,signed_up_at,email\n", "more than once"),
        ("text.parquet", b"no parquet", "cannot be read as parquet"),
        ("text.csv.gz", b"no gzip", "gzip"),
        ("sheet.xlsx", b"PK", "no known ending"),
    ],
)
def test_a_file_that_cannot_be_landed_fails_alone_with_its_name_and_a_remedy(
    warehouse: Warehouse, folder: Path, name: str, content: bytes, words: str
) -> None:
    (folder / "good.csv").write_text(HEADER + "1,a@example.com,2017-01-01\n")
    (folder / name).write_bytes(content)
    loads = {Path(load.file).name: load for load in land(warehouse, folder)}
    assert loads["good.csv"].status == "landed"
    assert loads[name].status == "failed"
    assert f"crm/contacts/{name}" in loads[name].error
    assert words in loads[name].error
    assert "\n" not in loads[name].error


def test_a_refused_file_lands_once_it_is_mended(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_text("contact_id,mail\n1,a@example.com\n")
    assert [load.status for load in land(warehouse, folder)] == ["failed"]
    (folder / "a.csv").write_text(HEADER + "1,a@example.com,2017-01-01\n")
    assert [load.status for load in land(warehouse, folder)] == ["landed"]


def test_a_header_without_rows_lands_as_no_rows(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_text(HEADER)
    assert [(load.status, load.rows_received) for load in land(warehouse, folder)] == [("landed", 0)]


def test_a_folder_that_no_source_reads_is_reported(folder: Path) -> None:
    (folder.parent / "contact").mkdir()
    (sentence,) = files.strangers(folder.parent.parent)
    assert sentence.startswith("crm/contact is no known source/entity folder")


def test_the_load_is_recorded_with_its_rows_or_not_at_all(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.csv").write_text(HEADER + "1,a@example.com,2017-01-01\n")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files.ledger, "record", die)
        with pytest.raises(KeyboardInterrupt):
            land(warehouse, folder)
    assert warehouse.rows("select count(*) as n from raw.crm_contacts") == [{"n": 0}]
    assert [load.status for load in land(warehouse, folder)] == ["landed"]


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(warehouse: Warehouse, folder: Path) -> None:
    (folder / "a.csv").write_text(HEADER + "1,a@example.com,2017-01-01\n")
    assert [load.status for load in land(warehouse, folder)] == ["landed"]
    (load,) = land(warehouse, folder)
    assert (load.status, load.content_hash) == ("repeated", "")
    (folder / "a.csv").touch()
    (load,) = land(warehouse, folder)
    assert load.status == "repeated"
    assert load.content_hash
    (folder / "a.csv").write_text(HEADER + "2,b@example.com,2017-01-01\n")
    assert [load.status for load in land(warehouse, folder)] == ["landed"]


def test_hundreds_of_files_land_in_one_go(warehouse: Warehouse, folder: Path) -> None:
    for number in range(300):
        (folder / f"{number}.csv").write_text(HEADER + f"{number},a.{number}@example.com,2017-01-01\n")
    heard: list[tuple[int, int, str]] = []
    loads = files.land(warehouse, folder.parent.parent, CONTACTS, NOW, lambda *each: heard.append(each))
    assert [load.status for load in loads] == ["landed"] * 300
    assert heard[-1][:2] == (300, 300)
    assert warehouse.rows("select count(*) as n, count(distinct _file) as m from raw.crm_contacts") == [
        {"n": 300, "m": 300}
    ]


def test_new_lost_and_changed_columns_are_noted_against_the_load_before(warehouse: Warehouse, folder: Path) -> None:
    (folder / "2017-01.csv").write_text(
        "contact_id,email,signed_up_at,city,zip\n1,a@example.com,2017-01-01,Rome,00123\n"
    )
    land(warehouse, folder)
    (folder / "2017-02.csv").write_text("contact_id,email,signed_up_at,zip,loyalty\n2,b@example.com,2017-01-01,123,\n")
    (folder / "other.csv").write_text("contact_id,email,signed_up_at\nx,c@example.com,2017-01-01\n")
    land(warehouse, folder)
    noted = warehouse.rows(
        "select file, column_name, change, kind_before, kind_after from raw.schema_changes order by column_name"
    )
    assert [tuple(row.values()) for row in noted] == [
        ("crm/contacts/2017-02.csv", "city", "removed", "text", None),
        ("crm/contacts/2017-02.csv", "loyalty", "added", None, "empty"),
        ("crm/contacts/2017-02.csv", "zip", "changed", "text", "integer"),
    ]
    assert warehouse.rows("select city, _extra from raw.crm_contacts where contact_id = '2'") == [
        {"city": None, "_extra": '{"zip":"123","loyalty":null}'}
    ]


def test_a_column_that_becomes_a_number_keeps_the_same_text(warehouse: Warehouse, folder: Path) -> None:
    for number, ids in enumerate((["1001"], [1001], [1001.0, None, 1e300, 0.5])):
        rest = {"email": ["a@example.com"] * len(ids), "signed_up_at": ["2017-01-01"] * len(ids)}
        pq.write_table(pa.table({"contact_id": ids, **rest}), folder / f"{number}.parquet")
    land(warehouse, folder)
    found = warehouse.rows("select contact_id, count(*) as n from raw.crm_contacts group by all order by all")
    assert {row["contact_id"]: row["n"] for row in found} == {"1001": 3, None: 1, "1e+300": 1, "0.5": 1}


def test_what_a_json_object_has_besides_the_contract_is_kept(warehouse: Warehouse, folder: Path) -> None:
    known = '"contact_id": "1", "email": "a@example.com", "signed_up_at": "2017"'
    (folder / "a.jsonl").write_text(
        "".join(f"{{{known}}}\n" for _ in range(1500)) + f'{{{known}, "late": {{"a": [1, null]}}}}\n'
    )
    land(warehouse, folder)
    assert warehouse.rows("select _row, _extra from raw.crm_contacts where _extra is not null") == [
        {"_row": 1501, "_extra": '{"late":{"a":[1,null]}}'}
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), ending=st.sampled_from([".csv", ".jsonl", ".parquet", ".csv.gz"]))
def test_no_bytes_bring_landing_down_and_every_row_is_accounted_for(
    warehouse: Warehouse, folder: Path, content: bytes, ending: str
) -> None:
    path = folder / f"fuzz{ending}"
    header = HEADER.encode() if ending == ".csv" else b""
    path.write_bytes(header + content)
    (load,) = land(warehouse, folder)
    path.unlink()
    counted = warehouse.rows(
        "select (select count(*) from raw.crm_contacts where _load_id = ?) "
        "+ (select count(*) from raw.rejects where load_id = ?) as n",
        [load.load_id, load.load_id],
    )
    if load.status == "landed":
        assert counted == [{"n": load.rows_received}]
    elif load.status == "failed":
        assert counted == [{"n": 0}]
        assert load.error
