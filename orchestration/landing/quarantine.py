"""Rows that cannot be used: which they are, and what became of them once their files were corrected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import LandingError
from orchestration.landing import ledger
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

_REASONS = """
    select
        source || '/' || entity as entity, file, reason, count(*) as rows_count, min(row_number) as first_row,
        max(landed_at) as landed_at
    from quality.quarantine
    where is_open and (? is null or file = ? or source || '/' || entity = ?)
    group by all
    order by all
"""
_ROWS = """
    select file, row_number, reason, row_json, landed_at
    from quality.quarantine
    where is_open and file = ? and (? is null or row_number = ?)
    order by row_number
    limit ?
"""
_NEWEST_HASHES = """
    select file, content_hash
    from raw.loads
    where status = 'landed'
    qualify row_number() over (partition by file order by landed_at desc, load_id) = 1
"""


@dataclass(frozen=True)
class Retry:
    """A file with rows in quarantine: how many it has, and whether it was corrected since it was landed."""

    file: str
    rows_count: int
    is_corrected: bool


def reasons(warehouse: Warehouse, where: str | None = None) -> list[dict[str, Any]]:
    """Each file's reasons with how many rows have them; `where` is a file or a source/entity."""
    if not warehouse.path.exists() or not warehouse.exists("quality.quarantine"):
        return []
    return warehouse.rows(_REASONS, [where, where, where])


def rows(warehouse: Warehouse, file: str, row_number: int | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """The rows themselves, whole. Raises LandingError for a file that has none."""
    found = warehouse.rows(_ROWS, [file, row_number, row_number, limit]) if reasons(warehouse, file) else []
    if not found:
        place = file if row_number is None else f"row {row_number} of {file}"
        raise LandingError(f"{place} has nothing in quarantine; `sincerely quarantine list` names the files that have.")
    return found


def retries(settings: Settings, warehouse: Warehouse, only: tuple[str, ...] = ()) -> list[Retry]:
    """The files with rows in quarantine (of those named, if any are), and which of them were corrected.

    Raises LandingError for a named file that has nothing in quarantine.
    """
    counts: dict[str, int] = {}
    for row in reasons(warehouse):
        counts[row["file"]] = counts.get(row["file"], 0) + row["rows_count"]
    for file in only:
        if file not in counts:
            raise LandingError(
                f"{file} has nothing in quarantine; `sincerely quarantine list` names the files that have."
            )
    hashes = {row["file"]: row["content_hash"] for row in warehouse.rows(_NEWEST_HASHES)} if counts else {}
    return [
        Retry(file, count, _hash(settings.landing / file) not in (None, hashes.get(file)))
        for file, count in counts.items()
        if not only or file in only
    ]


def _hash(path: Path) -> str | None:
    return ledger.content_hash(path) if path.is_file() else None
