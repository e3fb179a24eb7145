"""A small fault campaign; `make faults` runs ten thousand files."""

from __future__ import annotations

from pathlib import Path

from tests.faults.landing import campaign


def test_every_row_of_damaged_files_is_accounted_for(tmp_path: Path) -> None:
    assert campaign(tmp_path, 120, seed=3) == []
