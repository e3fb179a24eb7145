"""What lands and belongs to a trigger is seen at once, and asks for one refresh of the people whose it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.triggers import trigger_events, trigger_files
from orchestration.errors import SettingsError
from orchestration.locks import exclusive
from orchestration.parts import TRIGGERS_TAG
from orchestration.settings import Settings, load_settings
from orchestration.triggers.waiting import triggers, waiting
from orchestration.warehouse import Warehouse
from tests.building import land, refresh

_AT = datetime(2018, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lead whom a first refresh has seen, and two events of theirs that landed after it: one of a trigger."""
    settings = load_settings({"SINCERELY_HOME": str(tmp_path_factory.mktemp("home"))})
    _write(settings, "crm/contacts/1.jsonl", contact_id="c1", email="lead@example.com", signed_up_at="2017-12-30")
    _write(settings, "crm/contacts/2.jsonl", contact_id="c2", email="other@example.com", signed_up_at="2017-12-30")
    land(settings, _AT)
    refresh(settings, _AT)
    _write(settings, "web/events/1.jsonl", message_id="w1", type="page", user_id="c1", timestamp="2018-01-01T00:10:00Z")
    land(settings, _AT + timedelta(minutes=11))
    return settings


def test_what_belongs_to_no_trigger_waits_for_the_hour(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINCERELY_HOME", str(home.home))
    found = waiting(Warehouse(home.warehouse))
    assert (len(found.loads), found.fired) == (1, {})
    assert isinstance(_evaluated(trigger_events), dg.SkipReason)


def test_a_new_file_is_landed_and_its_demo_request_qualifies_the_lead(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCERELY_HOME", str(home.home))
    _write(home, "crm/activities/1.jsonl", contact_id="c1", activity="Demo Request", occurred_at="2018-01-01T00:11:00Z")
    assert isinstance(_evaluated(trigger_files), dg.RunRequest)
    land(home, _AT + timedelta(minutes=12))
    assert isinstance(_evaluated(trigger_files), dg.SkipReason)

    request = _evaluated(trigger_events)
    assert isinstance(request, dg.RunRequest)
    assert request.tags[TRIGGERS_TAG] == "demo_requested (1)"
    assert _segments(home) == {"new_leads"}
    refresh(home, _AT + timedelta(minutes=13), is_partial=True)
    assert _segments(home) == {"demo_requested", "qualified_leads"}
    # Of whom nothing landed is where they were, in the segments' own tables too.
    assert _segments(home, "c2") == {"new_leads"}
    (leads,) = Warehouse(home.warehouse).rows("select count(*) as people from core.new_leads")
    assert leads["people"] == 1
    assert _became_new_lead(home, "c2") == [_AT.replace(tzinfo=None)]
    # What asked for the refresh is seen: it asks for no other.
    assert isinstance(_evaluated(trigger_events), dg.SkipReason)
    refresh(home, _AT + timedelta(hours=1))
    assert _became_new_lead(home, "c2") == [_AT.replace(tzinfo=None)]


def test_while_the_warehouse_is_held_a_sensor_looks_again_later(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCERELY_HOME", str(home.home))
    with exclusive(Warehouse(home.warehouse).lock_path, wait_seconds=0):
        skipped = _evaluated(trigger_events)
    assert isinstance(skipped, dg.SkipReason)
    assert "is in use by" in str(skipped.skip_message)


def test_a_trigger_that_cannot_fire_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "triggers.csv"
    file.write_text("trigger,source,entity,event\nsold,shop,orders,placed\n")
    with pytest.raises(SettingsError, match=r"triggers.csv:2: shop/orders has no events"):
        triggers(file)


def _evaluated(sensor: dg.SensorDefinition) -> object:
    with dg.instance_for_test() as instance:
        return sensor(dg.build_sensor_context(instance=instance))


def _segments(settings: Settings, contact_id: str = "c1") -> set[str]:
    rows = Warehouse(settings.warehouse).rows(
        "select segment from core.segment_memberships inner join core.contacts using (person_id) where contact_id = ?",
        [contact_id],
    )
    return {str(row["segment"]) for row in rows} & {"new_leads", "qualified_leads", "demo_requested"}


def _became_new_lead(settings: Settings, contact_id: str) -> list[datetime]:
    rows = Warehouse(settings.warehouse).rows(
        "select changed_at from core.segment_transitions inner join core.contacts using (person_id) "
        "where contact_id = ? and segment = 'new_leads' and change = 'entered'",
        [contact_id],
    )
    return [row["changed_at"] for row in rows]


def _write(settings: Settings, name: str, **row: str) -> None:
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
