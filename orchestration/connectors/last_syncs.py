"""What each connector's last sync came to, for `sincerely status`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

_FILE = "last_sync.json"


def write(folder: Path, rows: int, problem: str) -> None:
    """Keeps the last sync's outcome beside the stream's state; nothing depends on it."""
    content = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "rows": rows, "problem": problem}
    try:
        (folder / _FILE).write_text(json.dumps(content), encoding="utf-8")
    except OSError:
        return  # a full disk is a problem that the sync itself has named


def lines(home: Path) -> list[str]:
    """One line a stream: when it was last synced, and with what."""
    found = []
    for path in sorted((home / "connectors").glob(f"*/*/{_FILE}")):
        try:
            last = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        name = f"{path.parent.parent.name}/{path.parent.name}"
        found.append(
            f"{name}: failed at {last['at']}: {last['problem']}"
            if last["problem"]
            else f"{name}: {last['rows']:,} rows at {last['at']}"
        )
    return found
