"""A sync that is killed at any instant: the next one leaves no gap and repeats nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.connectors.commits import Commits
from tests.conftest import ROOT, SECRET, Sincerely
from tests.orchestration.connected import ConnectedHome
from tests.servers import Postgres

ROWS = 60_000
INCREMENTAL = """
[big_db]
type = "sql"
url_env = "BIG_DB_URL"
[[big_db.tables]]
entity = "crm/contacts"
table = "people"
columns = {contact_id = "id"}
cursor = "updated_at"
part_rows = 5000
"""
FULL = INCREMENTAL.replace('cursor = "updated_at"\n', "").replace("people", "few_people")


@pytest.fixture(scope="module")
def url(postgres_server: Postgres) -> str:
    postgres_server.execute("create database big")
    postgres_server.execute(
        "create table people as select n as id, 'p' || n || '@example.com' as email, "
        "timestamptz '2026-01-01 00:00+00' as signed_up_at, "
        # Twenty rows share each value, so that a part often ends within one.
        f"timestamptz '2026-01-01 00:00+00' + n / 20 * interval '1 second' as updated_at "
        f"from generate_series(1, {ROWS}) n",
        "create table few_people as select * from people where id <= 20000",
        database="big",
    )
    return postgres_server.url("big")


def start(home: Path, url: str, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env={**os.environ, "SINCERELY_HOME": str(home), "SINCERELY_SECRET": SECRET, "BIG_DB_URL": url},
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def kill_when(process: subprocess.Popen[bytes], reached: Callable[[], bool], after_seconds: float = 0) -> bool:
    """Kills the process and all that it started, so long after `reached`; False when it ended before."""
    deadline = time.monotonic() + 60
    while process.poll() is None and not reached():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(after_seconds)
    was_running = process.poll() is None
    if was_running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return was_running


def landed(home: Path) -> Counter[int]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return Counter(int(key) for (key,) in connection.execute("select contact_id from raw.crm_contacts").fetchall())


SYNC = """
import os, pathlib
from orchestration.connectors.settings import load_streams
from orchestration.connectors.sync import sync
from orchestration.settings import load_settings
settings = load_settings()
for stream in load_streams(settings.home):
    assert not sync(stream, settings).problem
"""


def test_syncs_killed_at_random_instants_leave_no_gap_and_no_repeat(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ConnectedHome(tmp_path / "home")
    home.configure(INCREMENTAL)
    staging = home.path / "connectors/big_db/crm_contacts/staging/files"
    draw = random.Random(5)
    kills = [
        kill_when(
            start(home.path, url, sys.executable, "-c", SYNC),
            lambda: any(staging.glob("*")),
            after_seconds=draw.uniform(0, 0.5),
        )
        for _ in range(5)
    ]
    assert sum(kills) >= 3
    monkeypatch.setenv("BIG_DB_URL", url)
    home.taken()
    assert landed(home.path) == Counter(range(1, ROWS + 1))
    assert home.taken().rows_delivered == 0


@pytest.mark.long
def test_the_command_killed_half_way_resumes_where_it_was(url: str, tmp_path: Path, sincerely: Sincerely) -> None:
    home = ConnectedHome(tmp_path / "home")
    home.configure(INCREMENTAL)
    command = (str(Path(sys.executable).with_name("sincerely")), "land", "--as-of", "2026-02-01")
    delivered = home.path / "landing/crm/contacts/big_db"
    assert kill_when(start(home.path, url, *command), lambda: len(list(delivered.glob("*"))) >= 2)
    assert 0 < len(list(delivered.glob("*"))) < ROWS / 5000
    done = sincerely(home.path, "land", "--as-of", "2026-02-01", BIG_DB_URL=url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert landed(home.path) == Counter(range(1, ROWS + 1))


def test_a_killed_full_refresh_delivers_all_of_it_or_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIG_DB_URL", url)
    home = ConnectedHome(tmp_path / "home")
    home.configure(FULL)
    staging = home.path / "connectors/big_db/crm_contacts/staging/files"
    process = start(home.path, url, sys.executable, "-c", SYNC)
    assert kill_when(process, lambda: any(path.stat().st_size > 50_000 for path in staging.glob("*")))
    assert not (home.path / "landing").exists()
    home.land()
    assert home.deletions() == []
    home.taken()
    assert landed(home.path) == Counter(range(1, 20_001))


@pytest.mark.parametrize("already_moved", [False, True])
def test_what_was_committed_before_the_kill_is_delivered_once(already_moved: bool, tmp_path: Path) -> None:
    commits = Commits(tmp_path / "stream", tmp_path / "landing")
    commits.begin()
    commits.data_file(".jsonl").write_text("{}\n")
    name = commits.commit({"position": 1})
    assert (tmp_path / "landing" / f"{name}.jsonl").read_text() == "{}\n"
    if not already_moved:  # as it is between the commit and the delivery
        (tmp_path / "landing" / f"{name}.jsonl").rename(tmp_path / "stream/commits" / name / "files/data.jsonl")
    assert commits.deliver() == (0 if already_moved else 1)
    assert [path.name for path in (tmp_path / "landing").iterdir()] == [f"{name}.jsonl"]
    commits.begin()
    commits.data_file(".jsonl").write_text("half")
    assert commits.state()["position"] == 1
    commits.begin()
    assert not commits.data_file(".jsonl").exists()


def test_commits_stay_in_order_when_the_clock_goes_back(tmp_path: Path) -> None:
    commits = Commits(tmp_path / "stream", tmp_path / "landing")
    (tmp_path / "stream/commits/99990101T000000000000").mkdir(parents=True)
    commits.begin()
    assert commits.commit({}) == "99990101T000000000001"
    newest = commits.newest()
    assert newest is not None
    assert newest.name == "99990101T000000000001"
