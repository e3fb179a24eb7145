"""What `sources.toml` may say, and how it is told what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.connectors.settings import load_streams
from orchestration.connectors.streams import Cursor, RestResource, SqlTable
from orchestration.errors import SettingsError
from tests.conftest import ROOT

SQL = """
[shop_db]
type = "sql"
url_env = "SHOP_DB_URL"
[[shop_db.tables]]
entity = "crm/contacts"
table = "customers"
schema = "public"
columns = {contact_id = "id"}
cursor = "updated_at"
"""
REST = """
[store_api]
type = "rest"
base_url = "https://api.example.com/v1"
auth = {type = "bearer", token_env = "STORE_API_TOKEN"}
[[store_api.resources]]
entity = "shop/orders"
path = "/orders"
paginator = "header_link"
cursor = {column = "updated_at", param = "since", lag = 60, ordered = true}
"""


def test_tables_and_resources_become_streams(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(SQL + REST)
    table, resource = load_streams(tmp_path)
    assert table.origin == SqlTable("SHOP_DB_URL", "customers", "public")
    assert table.cursor == Cursor("updated_at", is_ordered=True)
    assert table.key == ["sources", "shop_db", "crm_contacts"]
    assert isinstance(resource.origin, RestResource)
    assert resource.origin.paginator == {"type": "header_link"}
    assert resource.cursor == Cursor("updated_at", lag=60, param="since", is_ordered=True)


def test_no_file_is_no_connector(tmp_path: Path) -> None:
    assert load_streams(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[shop_db\n", "Correct that line"),
        ("as_of = 1\n", "put it under a connector, as in [shop_db]"),
        (SQL.replace("shop_db", "Shop-DB"), "'Shop-DB' is no name for a connector"),
        (SQL.replace('type = "sql"\n', ""), '[shop_db] lacks type; write type = "sql"'),
        (SQL.replace('"sql"', '"mongo"'), "[shop_db] type is 'mongo'; use one of sql, rest"),
        (SQL.replace('url_env = "SHOP_DB_URL"\n', ""), 'lacks url_env; write url_env = "SHOP_DB_URL"'),
        (SQL.partition("[[")[0], "has no tables; add one below it: [[shop_db.tables]]"),
        (
            SQL.replace("crm/contacts", "crm/people"),
            "tables 1 entity is 'crm/people'; use one of crm/contacts",
        ),
        (SQL.replace('table = "customers"\n', ""), "tables 1 needs either table or query"),
        (SQL.replace('table = "customers"', 'query = "select 1"'), "name the schema within the query"),
        (SQL.replace("cursor =", "cursr ="), "tables 1 has the unknown key 'cursr'; use table, query"),
        (SQL + "part_rows = 0\n", "part_rows is less than 1"),
        (SQL.replace('"id"', "7"), 'columns.contact_id is no text; write columns = {contact_id = "..."}'),
        (SQL + SQL.partition("\n[[")[2].join(("[[", "")), "fills crm/contacts twice"),
        (REST.replace("https://", "https://me:secret@"), "base_url is no plain http address"),
        (REST.replace('paginator = "header_link"\n', ""), 'does not say how it pages; write paginator = "single_page"'),
        (REST.replace('"header_link"', '{type = "offset", size = 3}'), "paginator has the unknown key 'size'"),
        (REST.replace("lag = 60", "lag = -1"), "cursor lag is negative"),
        (REST.replace('"bearer"', '"basic"'), "auth type is 'basic'; use one of bearer, api_key, http_basic"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_remedy(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_streams(tmp_path)
    assert str(raised.value).startswith(str(tmp_path / "sources.toml"))
    assert words in str(raised.value)


def test_a_secret_that_stands_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(SQL.replace("SHOP_DB_URL", "postgresql://me:hunter2@db.example.com/shop"))
    with pytest.raises(SettingsError) as raised:
        load_streams(tmp_path)
    assert "put the secret into a variable" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_the_readmes_example_is_good(tmp_path: Path) -> None:
    example = (ROOT / "README.md").read_text().partition("```toml\n[shop_db]")[2].partition("```")[0]
    (tmp_path / "sources.toml").write_text("[shop_db]" + example.replace("# allow", "allow").replace("# att", "att"))
    assert [stream.entity.label for stream in load_streams(tmp_path)] == [
        "crm/contacts",
        "shop/products",
        "shop/orders",
    ]
