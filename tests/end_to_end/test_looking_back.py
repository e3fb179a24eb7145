"""A look at the past shows what was known then, and leaves the outbox and the ESP alone."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.conftest import AS_OF, Sincerely
from tests.querying import rows

Built = tuple[Path, subprocess.CompletedProcess[str]]


def sent(home: Path) -> tuple[dict[str, bytes], list[tuple[object, ...]]]:
    with sqlite3.connect(home / "outbox.sqlite") as outbox:
        rows = outbox.execute("select * from messages order by message_id").fetchall()
    return {path.name: path.read_bytes() for path in home.glob("outbox/*/*/*.eml")}, rows


def people(home: Path) -> int:
    return len(rows(home, "select person_id from core.profiles"))


def segment_history(home: Path) -> list[tuple[object, ...]]:
    return rows(home, "select segment, person_id, change, changed_at from raw.segment_changes order by all")


@pytest.mark.long
def test_no_look_at_the_past_sends_and_the_present_comes_back_with_the_next_run(
    built: Built, sincerely: Sincerely, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(built[0], home)
    before, everyone, history = sent(home), people(home), segment_history(home)

    done = sincerely(home, "run", "--as-of", AS_OF, "--known-at", "2020-01-01T00:00:00Z", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads(done.stdout)
    assert facts["known_at"] == "2020-01-01T00:00:00+00:00"
    assert "Nothing was planned or handed over: a run with --known-at looks at the past." in facts["warnings"]
    assert people(home) == 0  # every file landed later
    assert sent(home) == before
    assert segment_history(home) == history

    refused = sincerely(home, "send", "--as-of", AS_OF)
    assert refused.returncode == 1
    assert "the tables hold what was known at 2020-01-01T00:00:00Z" in refused.stderr

    done = sincerely(home, "run", "--as-of", "2017-12-30T23:59:59Z")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2017-12-30T23:59:59Z is a look at the past" in done.stdout
    assert sent(home) == before

    done = sincerely(home, "run", "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "look at the past" not in done.stdout
    assert people(home) == everyone
    assert sent(home) == before
    assert segment_history(home) == history
