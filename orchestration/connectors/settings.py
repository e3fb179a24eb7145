"""`sources.toml` of the home: which databases and APIs are read, checked before anything connects."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.connectors.section import Section
from orchestration.connectors.streams import Cursor, RestResource, SqlTable, Stream
from orchestration.errors import SettingsError
from orchestration.landing.contract import ENTITIES, Entity

FILE = "sources.toml"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# What each way of paging may be told; dlt's own names.
_PAGINATORS = {
    "single_page": (),
    "json_link": ("next_url_path",),
    "header_link": ("links_next_key",),
    "cursor": ("cursor_path", "cursor_param", "stop_after_empty_page", "has_more_path"),
    "header_cursor": ("cursor_key", "cursor_param"),
    "offset": ("limit", "offset", "offset_param", "limit_param", "total_path", "maximum_offset",
               "stop_after_empty_page", "has_more_path"),
    "page_number": ("base_page", "page", "page_param", "total_path", "maximum_page", "stop_after_empty_page",
                    "has_more_path"),
}  # fmt: skip
_AUTH = {
    "bearer": ("token_env",),
    "api_key": ("api_key_env", "name", "location"),
    "http_basic": ("username", "password_env"),
}


def load_streams(home: Path) -> list[Stream]:
    """Every stream of the home's `sources.toml`, in its order; none when there is no such file.

    Raises SettingsError that names the file, the connector, the table or resource, and what to write.
    """
    path = home / FILE
    if not path.exists():
        return []
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}. Correct that line.") from error
    return [stream for name, values in content.items() for stream in _connector(path, name, values)]


def _connector(path: Path, name: str, values: Any) -> list[Stream]:
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{path}: '{name}' is no name for a connector; use small letters, digits and underscores, as in [shop_db]."
        )
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: '{name}' stands alone; put it under a connector, as in [shop_db].")
    section = Section(f"{path}: [{name}]", values)
    kind = section.choice("type", ("sql", "rest"))
    streams = _sql(section, name) if kind == "sql" else _rest(section, name)
    section.done()
    entities = [stream.entity.label for stream in streams]
    for label in entities:
        if entities.count(label) > 1:
            raise SettingsError(
                f"{path}: [{name}] fills {label} twice. Join both in one query, or give one a connector of its own."
            )
    return streams


def _sql(section: Section, connector: str) -> list[Stream]:
    url_env = section.variable("url_env", "SHOP_DB_URL")
    return [_sql_stream(table, connector, url_env) for table in section.sections("tables")]


def _sql_stream(section: Section, connector: str, url_env: str) -> Stream:
    table, query = section.text("table", ""), section.text("query", "")
    if bool(table) == bool(query):
        raise section.error("needs either table or query", 'write table = "customers" or query = "select ..."')
    if query and section.has("schema"):
        raise section.error("has both query and schema", "name the schema within the query")
    origin = SqlTable(url_env, table, section.text("schema", ""), query)
    # The connector orders what it reads by the cursor itself.
    return _stream(section, connector, origin, _cursor(section, is_ordered=True))


def _rest(section: Section, connector: str) -> list[Stream]:
    base_url = section.text("base_url", example="https://api.example.com/v1")
    if not base_url.startswith(("http://", "https://")) or "@" in base_url:
        raise section.error("base_url is no plain http address", "write it without a password; secrets go into auth")
    shared = {
        "base_url": base_url,
        "headers": section.texts("headers"),
        "auth": _auth(section),
        "attempts": int(section.number("attempts", 5)),
        "timeout_seconds": section.number("timeout_seconds", 60.0),
    }
    return [_rest_stream(resource, connector, shared) for resource in section.sections("resources")]


def _rest_stream(section: Section, connector: str, shared: Mapping[str, Any]) -> Stream:
    origin = RestResource(
        path=section.text("path", example="/orders"),
        records=section.text("records", ""),
        params=section.table("params"),
        paginator=_paginator(section),
        **shared,
    )
    return _stream(section, connector, origin, _cursor(section, is_ordered=False))


def _stream(section: Section, connector: str, origin: SqlTable | RestResource, cursor: Cursor | None) -> Stream:
    stream = Stream(
        connector=connector,
        entity=_entity(section),
        origin=origin,
        columns=section.texts("columns"),
        cursor=cursor,
        allow_empty=section.flag("allow_empty"),
        part_rows=int(section.number("part_rows", 100_000)),
    )
    if stream.part_rows < 1:
        raise section.error("part_rows is less than 1", "write how many rows a file may hold, such as 100000")
    section.done()
    return stream


def _entity(section: Section) -> Entity:
    by_label = {entity.label: entity for entity in ENTITIES}
    return by_label[section.choice("entity", tuple(by_label))]


def _cursor(section: Section, *, is_ordered: bool) -> Cursor | None:
    if not section.has("cursor"):
        return None
    if section.is_text("cursor"):
        return Cursor(section.text("cursor"), is_ordered=is_ordered)
    inner = section.section("cursor")
    cursor = Cursor(
        column=inner.text("column", example="updated_at"),
        initial=inner.anything("initial"),
        lag=inner.number("lag", 0.0) if inner.has("lag") else None,
        param=inner.text("param", ""),
        is_ordered=is_ordered or inner.flag("ordered"),
    )
    if cursor.lag is not None and cursor.lag < 0:
        raise inner.error("lag is negative", "write how far back each sync starts again, such as 300 seconds")
    inner.done()
    return cursor


def _paginator(section: Section) -> Mapping[str, Any]:
    """Paging is never guessed: a page taken for the whole list would delete the rest."""
    if section.is_text("paginator"):
        return _paging(section.choice("paginator", tuple(_PAGINATORS)), {})
    if not section.has("paginator"):
        raise section.error("does not say how it pages", 'write paginator = "single_page" if it gives all at once')
    inner = section.section("paginator")
    kind = inner.choice("type", tuple(_PAGINATORS))
    told = {name: inner.anything(name) for name in _PAGINATORS[kind] if inner.has(name)}
    inner.done()
    return _paging(kind, told)


def _paging(kind: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
    # dlt insists on a total where it is not told that there is none; without one, an empty page is the end.
    total = {"total_path": None} if kind in ("offset", "page_number") else {}
    return {"type": kind, **total, **told}


def _auth(section: Section) -> Mapping[str, str]:
    if not section.has("auth"):
        return {}
    inner = section.section("auth")
    kind = inner.choice("type", tuple(_AUTH))
    values = {"type": kind}
    for name in _AUTH[kind]:
        if name.endswith("_env"):
            values[name] = inner.variable(name, "STORE_API_TOKEN")
        elif inner.has(name):
            values[name] = inner.text(name)
    inner.done()
    return values
