"""The main job sends by SendGrid as it does by the folder, and what was lost on the way is settled by its events."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.delivery.outbox import Outbox
from tests.conftest import AS_OF, run_sincerely
from tests.esp.faults import ACCEPTED_THEN_DROPPED
from tests.esp.sendgrid import API_KEY, TEMPLATE_ID, FakeSendGrid, sendgrid

Built = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture
def home(built: Built, tmp_path: Path) -> Path:
    """A built home that has sent nothing yet."""
    copy = tmp_path / "home"
    shutil.copytree(built[0], copy)
    shutil.rmtree(copy / "outbox")
    for path in copy.glob("outbox.sqlite*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return copy


def by_sendgrid(home: Path, fake: FakeSendGrid, *arguments: str) -> str:
    environ = {
        "SINCERELY_ESP": "sendgrid",
        "SINCERELY_SENDGRID_API_KEY": API_KEY,
        "SINCERELY_SENDGRID_TEMPLATE_ID": TEMPLATE_ID,
        "SINCERELY_SENDGRID_URL": fake.url,
    }
    done = run_sincerely(home, *arguments, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_lost_answer_is_unknown_until_the_vendors_events_have_landed(home: Path) -> None:
    outbox = Outbox(f"sqlite:///{home / 'outbox.sqlite'}")
    with sendgrid() as fake:
        fake.faults.add(ACCEPTED_THEN_DROPPED)
        (row, *_) = json.loads(by_sendgrid(home, fake, "send", "--campaign", "win_back", "--json", "--as-of", AS_OF))
        assert row["unknown"] > 0
        assert "unknown since" in by_sendgrid(home, fake, "status")

        events = home / "landing" / "sendgrid" / "events" / "late.jsonl"
        events.parent.mkdir(parents=True, exist_ok=True)
        told = fake.events(random.Random(3), most_copies=3, at=datetime(2017, 12, 31, 1, tzinfo=UTC))
        events.write_text("".join(json.dumps(event) + "\n" for event in told))
        by_sendgrid(home, fake, "refresh", "--as-of", "2017-12-31T06:00:00Z")

        assert outbox.unknown.ids() == []
        assert set(fake.accepted.values()) == {1}
        accepted = {row["message_id"] for row in outbox.read_all().read_all().to_pylist() if row["state"] == "accepted"}
        assert accepted == set(fake.accepted)
