"""Many messages are planned by several processes: the same messages as by one, each once, whoever dies on the way."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestration.delivery import planner, writers
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.writing_down import Order
from orchestration.errors import DeliveryError
from orchestration.warehouse import Warehouse
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.links import Site
from tests.orchestration.planning_world import planning_world
from tests.outboxes import payloads

AS_OF = datetime(2018, 1, 1, tzinfo=UTC)
SITE = Site("https://mail.example.com", b"sixteen bytes or more")
LOYALTY = load_campaign(CAMPAIGNS / "loyalty_reward")


@pytest.fixture(autouse=True)
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(planner, "_BATCH_MESSAGES", 7)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    planning_world(tmp_path / "warehouse.duckdb", "loyalty_reward", "2018-01")
    return Warehouse(tmp_path / "warehouse.duckdb")


def outbox(folder: Path, name: str = "outbox") -> Outbox:
    return Outbox(f"sqlite:///{folder / name}.sqlite")


def by_id(messages: Outbox) -> dict[str, dict[str, Any]]:
    return {row["message_id"]: row for row in messages.read_all().read_all().to_pylist()}


@pytest.fixture
def records(warehouse: Warehouse) -> list[pa.RecordBatch]:
    return list(planner._records(warehouse, LOYALTY, "2018-01"))


def order(messages: Outbox) -> Order:
    return Order(LOYALTY, SITE, messages.url, AS_OF.replace(tzinfo=None))


def test_several_write_down_what_one_would(warehouse: Warehouse, tmp_path: Path) -> None:
    one, several = outbox(tmp_path, "one"), outbox(tmp_path, "several")

    alone = planner.plan(warehouse, one, LOYALTY, SITE, AS_OF)
    together = planner.plan(warehouse, several, LOYALTY, SITE, AS_OF, large=14)
    again = planner.plan(warehouse, several, LOYALTY, SITE, AS_OF, large=0)

    assert together == alone
    assert (again.planned, again.already_known) == (0, 40)
    assert by_id(several) == by_id(one)
    assert sorted(payloads(several)) == sorted(payloads(one))


def test_what_cannot_be_rendered_is_counted_by_all_of_them(warehouse: Warehouse, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("update core.profiles set email = 'nowhere' where person_id in ('person-1', 'person-9')")

    plan = planner.plan(warehouse, outbox(tmp_path), LOYALTY, SITE, AS_OF, large=0)

    assert (plan.planned, plan.failed) == (34, {"email is not one plain address": 2})


def test_one_that_is_killed_loses_nothing_and_doubles_nothing(
    warehouse: Warehouse, records: list[pa.RecordBatch], tmp_path: Path
) -> None:
    messages = outbox(tmp_path)
    with pytest.raises(DeliveryError, match="died"), writers.writers(order(messages), messages, large=0) as team:
        for number, each in enumerate(records * 50):
            if number == 2:
                os.kill(team._others[0]._process.pid, signal.SIGKILL)
            team.take(each)
        team.ended()

    planner.plan(warehouse, messages, LOYALTY, SITE, AS_OF)

    assert len(by_id(messages)) == 40
    assert len(payloads(messages)) == 36


def test_they_say_what_is_wrong_with_the_outbox(records: list[pa.RecordBatch], tmp_path: Path) -> None:
    messages = outbox(tmp_path)
    elsewhere = replace(order(messages), outbox_url=f"sqlite:///{tmp_path}/no/such/folder.sqlite")

    with pytest.raises(DeliveryError, match="outbox cannot be used"), writers.writers(elsewhere, messages, 0) as team:
        for each in records:
            team.take(each)
        team.ended()


def test_an_outbox_in_memory_is_written_by_one(records: list[pa.RecordBatch]) -> None:
    messages = Outbox("sqlite://")

    with writers.writers(order(messages), messages, large=0) as team:
        for each in records:
            team.take(each)
        assert team.ended().planned == 36


def test_one_whose_caller_is_gone_ends(records: list[pa.RecordBatch], tmp_path: Path) -> None:
    messages = outbox(tmp_path)
    script = (
        "import os, pickle, signal, sys, pyarrow as pa\n"
        "from orchestration.delivery import writers\n"
        "order, records = pickle.load(open(sys.argv[1], 'rb'))\n"
        "process = writers._Process(order)\n"
        "process.take(records)\n"
        "print(process._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "given").write_bytes(pickle.dumps((order(messages), records[0])))
    command = [sys.executable, "-c", script, str(tmp_path / "given")]
    caller = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60)

    assert caller.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while _lives(int(caller.stdout)):
        assert time.monotonic() < deadline, "the writer outlives its caller"
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
