"""A sending that is killed again and again, on a machine where much else goes wrong: nothing is sent twice or lost.

`python -m tests.faults.sending --messages 100000 --kills 200` is `make faults`' part; a smaller one is in `make test`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from orchestration.delivery.outbox import Outbox
from tests.esp.cases import NOW, payload, plan
from tests.esp.faults import ACCEPTED_THEN_500, ACCEPTED_THEN_DROPPED, DROPPED, MALFORMED, Throttled
from tests.esp.sendgrid import API_KEY, TEMPLATE_ID, FakeSendGrid, sendgrid

_BATCH_MESSAGES = 25
_START_SECONDS = 60.0
# What the vendor does wrong meanwhile; None is nothing.
_FAULTS = (ACCEPTED_THEN_500, ACCEPTED_THEN_DROPPED, DROPPED, MALFORMED, Throttled(), Throttled(header="none"), 502)
_SENT_AGAIN_AFTER = timedelta(hours=72)


@dataclass(frozen=True)
class Found:
    """What a campaign of kills left behind; all but the first three are to be 0."""

    messages: int
    kills: int
    were_unknown: int
    accepted_twice: int
    in_no_final_state: int
    accepted_unknown_to_us: int
    claimed_and_not_accepted: int
    unknown_after_events: int
    lost: int

    @property
    def problems(self) -> dict[str, int]:
        """What is not 0 and should be."""
        names = (
            "accepted_twice", "in_no_final_state", "accepted_unknown_to_us", "claimed_and_not_accepted",
            "unknown_after_events", "lost",
        )  # fmt: skip
        return {name: value for name in names if (value := getattr(self, name))}


def campaign(home: Path, messages: int, kills: int, seed: int = 7, workers: int = 1) -> Found:
    """Sends `messages`, killing a worker `kills` times at random points, and settles what is unknown afterwards."""
    draw = random.Random(seed)
    url = f"sqlite:///{home / 'outbox.sqlite'}"
    outbox = Outbox(url)
    for first in range(0, messages, _BATCH_MESSAGES):
        plan(outbox, [payload(number) for number in range(first, min(first + _BATCH_MESSAGES, messages))])
    with sendgrid() as fake:
        fake.keeps_contents = False
        fake.jitter_seconds = 0.02
        environ = _environ(home, fake)
        per_kill = max(1, messages // _BATCH_MESSAGES // (kills + 1) - 4)
        for number in range(kills):
            with _troubles(home, draw, fake, number) as trouble:
                running = [_start({**environ, **trouble}) for _ in range(workers)]
                try:
                    _await_requests(fake, draw.randint(1, per_kill), running)
                except RuntimeError as error:
                    raise RuntimeError(f"Before kill {number}, with {trouble or 'no such trouble'}: {error}") from error
                time.sleep(draw.random() * 0.03)
                _kill(running[: draw.randint(1, workers)])
                for process in running:
                    _end(process)
        fake.faults.clear()
        _finish(environ)
        unknown = set(outbox.unknown.ids())
        states = _states(outbox)
        in_no_final_state = messages - sum(states[each] for each in ("accepted", "rejected", "unknown"))
        told = fake.events(draw, most_copies=3)
        outbox.unknown.settle_by_events(pa.table({"message_id": [event["message_id"] for event in told]}))
        # Of the rest the vendor tells nothing, for it never took them: the campaign's policy sends them again.
        rest = set(outbox.unknown.ids())
        wrong = len(rest & fake.accepted.keys())
        outbox.unknown.resend(["hello"], (NOW + _SENT_AGAIN_AFTER).replace(tzinfo=None))
        _finish(environ)
        accepted = {row["message_id"] for row in outbox.read_all().read_all().to_pylist() if row["state"] == "accepted"}
        return Found(
            messages=messages,
            kills=kills,
            were_unknown=len(unknown),
            accepted_twice=sum(count > 1 for count in fake.accepted.values()),
            in_no_final_state=in_no_final_state,
            accepted_unknown_to_us=len(fake.accepted.keys() - accepted),
            claimed_and_not_accepted=len(accepted - fake.accepted.keys()),
            unknown_after_events=wrong + _states(outbox)["unknown"],
            lost=messages - len(accepted),
        )


@contextmanager
def _troubles(home: Path, draw: random.Random, fake: FakeSendGrid, number: int) -> Iterator[dict[str, str]]:
    """Something that goes wrong besides: with the vendor, the clock, the disk, or another writer of the outbox."""
    fake.faults.add(*[draw.choice(_FAULTS) if draw.random() < 0.2 else None for _ in range(10)])
    kind = draw.choice(("none", "clock", "disk", "busy"))
    if kind == "clock":
        yield {"JUMPING_CLOCK": str(number)}
    elif kind == "disk":
        size = sum(path.stat().st_size for path in home.glob("outbox.sqlite-wal"))
        yield {"DISK_FULL_AT_BYTES": str(max(size, 4096) + draw.randint(0, 400_000))}
    elif kind == "busy":
        with _busy(home / "outbox.sqlite"):
            yield {}
    else:
        yield {}


@contextmanager
def _busy(database: Path) -> Iterator[None]:
    """Somebody else writes there most of the time."""
    ended = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(database, timeout=30, isolation_level=None)
        while not ended.is_set():
            connection.execute("begin immediate")
            time.sleep(0.02)
            connection.execute("commit")
            time.sleep(0.002)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _environ(home: Path, fake: FakeSendGrid) -> dict[str, str]:
    return {
        **os.environ,
        "SINCERELY_HOME": str(home),
        "SINCERELY_ESP": "sendgrid",
        "SINCERELY_SECRET": "a secret of the tests alone",
        "SINCERELY_SENDGRID_API_KEY": API_KEY,
        "SINCERELY_SENDGRID_TEMPLATE_ID": TEMPLATE_ID,
        "SINCERELY_SENDGRID_URL": fake.url,
    }


def _start(environ: dict[str, str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.killed_worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps({"sent_at": NOW.isoformat()}) + "\n")
    process.stdin.flush()
    return process


def _await_requests(fake: FakeSendGrid, count: int, running: list[subprocess.Popen[str]]) -> None:
    """Until so many more requests came, or nobody is there to make them."""
    target, deadline = fake.requests + count, time.monotonic() + _START_SECONDS
    while fake.requests < target and any(process.poll() is None for process in running):
        if time.monotonic() > deadline:
            raise RuntimeError("the worker made no request; run it by hand to see why")
        time.sleep(0.001)


def _kill(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        process.wait()


def _end(process: subprocess.Popen[str]) -> None:
    """Lets one that was not killed end what it has begun."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.wait()
    process.stdout.close()


def _finish(environ: dict[str, str]) -> None:
    """A worker on a good machine, to the end."""
    process = _start(environ)
    assert process.stdout is not None
    said = process.stdout.read()
    if process.wait() != 0:
        raise RuntimeError(said)


def _states(outbox: Outbox) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, state), count in outbox.counts().items():
        found[state] += count
    return found


def main() -> None:
    """Runs a campaign and says what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=int(datetime.now(UTC).timestamp()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(Path(folder), arguments.messages, arguments.kills, arguments.seed, arguments.workers)
    print(f"{found} with seed {arguments.seed}")
    sys.exit(1 if found.problems else 0)


if __name__ == "__main__":
    main()
