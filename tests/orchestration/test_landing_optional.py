"""Shapes of third parties: their raw tables come with their first file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.landing import files
from orchestration.landing.contract import ENTITIES
from orchestration.warehouse import Warehouse

SENDGRID = next(entity for entity in ENTITIES if entity.label == "sendgrid/events")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    files.prepare(warehouse)
    return warehouse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "landing" / "sendgrid" / "events"
    folder.mkdir(parents=True)
    return folder


def test_a_shape_that_nobody_uses_has_no_table(warehouse: Warehouse) -> None:
    optional = [entity for entity in ENTITIES if entity.is_optional]
    assert [entity.label for entity in optional if warehouse.exists(f"raw.{entity.table}")] == []
    assert {entity.source for entity in optional} == {"segment", "ga4", "shopify", "sendgrid", "mailchimp"}


def test_the_first_file_that_lands_makes_the_table_and_a_refused_one_does_not(
    warehouse: Warehouse, folder: Path
) -> None:
    (folder / "a.jsonl").write_text('{"email": "a@example.com"}\n')
    (load,) = files.land(warehouse, folder.parent.parent, SENDGRID, NOW)
    assert (load.status, warehouse.exists("raw.sendgrid_events")) == ("failed", False)

    (folder / "a.jsonl").write_text(
        '{"email": "a@example.com", "timestamp": 1, "event": "open", "sg_event_id": "e", "smtp-id": "<1>", "ours": 7}\n'
    )
    (load,) = files.land(warehouse, folder.parent.parent, SENDGRID, NOW)
    assert load.status == "landed", load.error
    assert warehouse.rows('select "smtp-id" as smtp_id, "timestamp" as at, _extra from raw.sendgrid_events') == [
        {"smtp_id": "<1>", "at": "1", "_extra": '{"ours":7}'}
    ]
