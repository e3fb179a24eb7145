"""A delivering process that is killed at any instant: nothing is lost, nothing is told out of its order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import ROOT, SECRET, Sincerely
from tests.orchestration.receiving import (
    DAY_1,
    SECRET_ENV,
    SIGNING_SECRET,
    Crm,
    PushingHome,
    Reply,
    TestClock,
    receiving,
)  # fmt: skip

PEOPLE = 30
CHANGES = 600


def start(home: PushingHome) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("sincerely")), "webhook", "retry", "crm"],
        env={**os.environ, "SINCERELY_HOME": str(home.path), "SINCERELY_SECRET": SECRET, SECRET_ENV: SIGNING_SECRET},
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def killed_after(process: subprocess.Popen[bytes], crm: Crm, count: int) -> bool:
    """Kills the process once the receiver saw so many requests; False when it ended before."""
    deadline = time.monotonic() + 60
    while process.poll() is None and len(crm.seen) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    was_running = process.poll() is None
    if was_running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return was_running


def test_deliveries_killed_at_random_instants_lose_nothing_and_keep_each_persons_order(
    tmp_path: Path, sincerely: Sincerely
) -> None:
    draw = random.Random(7)
    home = PushingHome(tmp_path / "home")
    with receiving(TestClock()) as crm:
        home.configure(crm.url)
        crm.behave = lambda payload: Reply(hang_seconds=draw.uniform(0, 0.01))
        home.change(
            *(
                (f"p{number % PEOPLE:02d}", "exited" if number // PEOPLE % 2 else "entered", "at_risk",
                 DAY_1 + timedelta(seconds=number))
                for number in range(CHANGES)
            )
        )  # fmt: skip
        home.take(DAY_1 + timedelta(days=1))
        kills = [killed_after(start(home), crm, len(crm.seen) + draw.randrange(20, 120)) for _ in range(4)]
        assert sum(kills) >= 3
        assert home.counts()["delivered"] < CHANGES
        done = sincerely(home.path, "webhook", "retry", "crm", **{SECRET_ENV: SIGNING_SECRET})
        assert done.returncode == 0, done.stdout + done.stderr
        assert home.counts() == {"delivered": CHANGES}
        # At least once, and what comes again comes under its id, before the person's next.
        assert len(set(crm.ids())) == CHANGES
        assert len(crm.seen) <= CHANGES + sum(kills) * 8
        for person in {payload["person_id"] for payload in crm.seen}:
            instants = [payload["changed_at"] for payload in crm.seen if payload["person_id"] == person]
            assert instants == sorted(instants)
            assert len(set(instants)) == CHANGES // PEOPLE
        assert crm.unsigned == []


def test_what_the_receiver_took_and_nobody_wrote_down_comes_again_under_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The narrowest gap: killed between the answer and its record."""
    monkeypatch.setenv(SECRET_ENV, SIGNING_SECRET)
    home = PushingHome(tmp_path / "home")
    with receiving(TestClock()) as crm:
        home.configure(crm.url)
        home.change(("ann", "entered", "at_risk", DAY_1), ("ann", "exited", "at_risk", DAY_1 + timedelta(days=1)))
        home.take(DAY_1 + timedelta(days=1))
        crm.behave = lambda payload: Reply(hang_seconds=30 if payload["type"] == "segment.exited" else 0)
        process = start(home)
        assert killed_after(process, crm, 2)
        crm.behave = lambda payload: Reply()
        home.tell()
        assert [payload["type"] for payload in crm.seen] == ["segment.entered", "segment.exited", "segment.exited"]
        assert crm.ids()[1] == crm.ids()[2]
        assert home.counts() == {"delivered": 2}
