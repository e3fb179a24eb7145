"""Only the present is sent: a run that looks at the past leaves the outbox as it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration import refreshes
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.present import why_not_to_plan, why_not_to_send
from orchestration.segments.observing import Observed, observe
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse

LAST = datetime(2016, 2, 29, 23, 59, 59, 500_000, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    outbox = Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    outbox.plan([Planned("m1", "spring", "once", "p1", "default")], LAST.replace(tzinfo=None))
    outbox.plan([Planned("m0", "winter", "once", "p1", "default")], datetime(2016, 1, 1))
    return outbox


def built(folder: Path, as_of: datetime, known_at: datetime | None = None) -> Warehouse:
    warehouse = Warehouse(folder / "warehouse.duckdb")
    rows = [
        {"refresh": 1, "mode": "full", "as_of": datetime(2030, 1, 1), "known_at": ""},
        {
            "refresh": 2,
            "mode": "full",
            "as_of": as_of.replace(tzinfo=None),
            "known_at": f"{known_at:%Y-%m-%d %H:%M:%S.%f}" if known_at else "",
        },
    ]
    warehouse.replace("core.refreshes", pa.Table.from_pylist(rows))
    return warehouse


def test_messages_leave_at_the_very_instant_of_the_last_ones_and_after_it(tmp_path: Path, outbox: Outbox) -> None:
    for as_of in (LAST, LAST + TICK):
        assert why_not_to_send(outbox, as_of) is None
        assert why_not_to_plan(built(tmp_path, as_of), outbox, as_of) is None


def test_an_instant_before_the_last_messages_is_a_look_at_the_past(tmp_path: Path, outbox: Outbox) -> None:
    words = why_not_to_send(outbox, LAST - TICK) or ""
    assert "2016-02-29T23:59:59.499999Z is a look at the past" in words
    assert "planned at 2016-02-29T23:59:59.500000Z already" in words
    # Sent now, from tables that were built as of then.
    assert why_not_to_plan(built(tmp_path, LAST - TICK), outbox, LAST + TICK) == words


def test_what_was_known_then_is_never_sent_however_late_it_is(tmp_path: Path, outbox: Outbox) -> None:
    warehouse = built(tmp_path, LAST, known_at=LAST + timedelta(days=400))
    assert "what was known at 2017-04-04T23:59:59" in (why_not_to_plan(warehouse, outbox, LAST) or "")


def test_an_empty_outbox_has_no_past(tmp_path: Path) -> None:
    outbox = Outbox(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert why_not_to_send(outbox, datetime(1970, 1, 1, tzinfo=UTC)) is None
    assert why_not_to_plan(Warehouse(tmp_path / "warehouse.duckdb"), outbox, LAST) is None


def test_known_at_is_asked_for_each_time_and_reaches_dbt_in_utc(tmp_path: Path) -> None:
    from orchestration import dbt

    (tmp_path / "sincerely.toml").write_text('known_at = "2018-01-01"\n')
    environ = {"SINCERELY_HOME": str(tmp_path), "SINCERELY_KNOWN_AT": "2018-01-01"}
    assert load_settings(environ).known_at is None
    assert "known_at" not in json.loads(dbt.variables(LAST))
    known_at = load_settings(environ, known_at="2017-03-26T02:30:00+02:00").known_at
    assert json.loads(dbt.variables(LAST, known_at=known_at))["known_at"] == "2017-03-26 00:30:00.000000"


def test_a_job_with_known_at_has_no_step_that_sends_or_keeps_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCERELY_HOME", str(tmp_path))
    from orchestration import run
    from orchestration.definitions import definitions

    past = {node.name for node in run._job(definitions, None, None, may_last=False).graph.nodes}
    present = {node.name for node in run._job(definitions, None, None, may_last=True).graph.nodes}
    lasting = {
        "outbox__planned_messages", "outbox__handed_over_messages", "outbox__webhook_deliveries",
        "raw__segment_observations",
    }  # fmt: skip
    assert lasting <= present
    assert past & lasting == set()
    assert {"reports__index", "raw__outbox_messages", "churn_model"} <= past


def test_what_a_look_at_the_past_finds_in_the_segments_is_not_kept(tmp_path: Path) -> None:
    warehouse = built(tmp_path, LAST, known_at=LAST)
    assert not refreshes.is_of_all_that_landed(warehouse)
    # Nothing of the segments is there: it would fail if it looked.
    assert observe(warehouse, LAST) == Observed(0, 0, {})
    assert refreshes.is_of_all_that_landed(built(tmp_path, LAST))
    assert refreshes.last(built(tmp_path, LAST)) == refreshes.Refresh(LAST, None)
