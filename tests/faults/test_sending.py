"""A small campaign of kills; `make faults` kills 200 times among 100,000 messages."""

from __future__ import annotations

from pathlib import Path

from tests.faults.sending import campaign


def test_a_killed_send_resumes_without_a_duplicate_and_without_a_loss(tmp_path: Path) -> None:
    found = campaign(tmp_path, messages=5_000, kills=20)
    assert found.problems == {}
    assert found.were_unknown > 0
