"""Which triggers have fired: events that landed and that no refresh has seen yet."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import SettingsError
from orchestration.landing import ledger
from orchestration.landing.contract import ENTITIES, Entity
from orchestration.landing.files import files_of
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import Warehouse

TRIGGERS = DBT_PROJECT / "seeds" / "triggers.csv"
# The column that names an event, as it is received.
_EVENT_COLUMNS = {"crm/activities": "activity", "web/events": "event", "segment/events": "event"}
_UNSEEN = """
    select load_id, source || '/' || entity as label
    from raw.loads
    where status = 'landed' and load_id not in (select load_id from core.refresh_loads)
    order by load_id
"""
_FIRED = """
    select count(*) as events_count
    from raw.{table}
    where
        replace(lower(trim({column})), ' ', '_') in (select unnest(?))
        and _load_id in (select unnest(?))
"""


@dataclass(frozen=True)
class Trigger:
    """An event that people should not wait an hour for; `event` is its name in the vocabulary of core.activity."""

    name: str
    label: str
    event: str


@dataclass(frozen=True)
class Waiting:
    """What no refresh has seen: the loads, and how many events of each trigger are among them."""

    loads: tuple[str, ...]
    fired: dict[str, int]


def triggers(path: Path = TRIGGERS) -> list[Trigger]:
    """The triggers of seeds/triggers.csv. Raises SettingsError, with file and line, for one that cannot fire."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_trigger(path, line, row) for line, row in enumerate(csv.DictReader(file), 2)]


def waiting(warehouse: Warehouse) -> Waiting:
    """What has landed and waits for a refresh; nothing before the first refresh, which sees everything."""
    if not warehouse.path.exists() or not warehouse.exists("core.refresh_loads"):
        return Waiting((), {})
    unseen = warehouse.rows(_UNSEEN)
    fired: dict[str, int] = {}
    for trigger in triggers():
        loads = [str(row["load_id"]) for row in unseen if row["label"] == trigger.label]
        if loads:
            sql = _FIRED.format(table=_entity(trigger.label).table, column=_EVENT_COLUMNS[trigger.label])
            (row,) = warehouse.rows(sql, [[trigger.event], loads])
            if row["events_count"]:
                fired[trigger.name] = fired.get(trigger.name, 0) + int(row["events_count"])
    return Waiting(tuple(str(row["load_id"]) for row in unseen), fired)


def new_files(warehouse: Warehouse, landing: Path) -> list[str]:
    """Files of the landing zone, in the folders that triggers watch, that have not landed as they are now."""
    found = []
    for label in sorted({trigger.label for trigger in triggers()}):
        files = list(files_of(landing / label))
        if not files:
            continue
        with warehouse.transaction() as connection:
            ledger.prepare_tables(connection)
            known = ledger.known(connection, _entity(label))
        for path in files:
            state, name = path.stat(), str(path.relative_to(landing))
            if known.unchanged(name, state.st_size, state.st_mtime_ns) is None:
                found.append(f"{name}:{state.st_size}:{state.st_mtime_ns}")
    return found


def _entity(label: str) -> Entity:
    return next(entity for entity in ENTITIES if entity.label == label)


def _trigger(path: Path, line: int, row: dict[str, str]) -> Trigger:
    label = f"{row['source']}/{row['entity']}"
    if label not in _EVENT_COLUMNS:
        raise SettingsError(
            f"{path.name}:{line}: {label} has no events that a trigger could wait for; use one of "
            f"{', '.join(_EVENT_COLUMNS)}."
        )
    return Trigger(row["trigger"], label, row["event"])
