"""How far a stream was read, so that the next sync leaves out nothing and repeats nothing.

Rows are committed late: one that was stamped before the newest row we saw may become visible after it. So each
sync starts a lag behind the newest value, and leaves out what it delivered before, by the content of each row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from orchestration.connectors.streams import Cursor

# Within these, a transaction that was slow to commit is still found; re-read rows cost time, never a repeat.
_LAG_SECONDS, _LAG_DAYS, _LAG_UNITS = 300, 1, 1000
_DECODERS: dict[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat, "date": date.fromisoformat, "decimal": Decimal,
}  # fmt: skip


@dataclass
class Position:
    """The newest cursor value seen, and the digests of the rows from `start` on."""

    cursor: Cursor
    newest: Any = None
    window: dict[str, Any] = field(default_factory=dict)

    @property
    def start(self) -> Any:
        """The value from which the next sync reads, itself included; None means from the beginning."""
        return self.cursor.initial if self.newest is None else _lagged(self.newest, self.cursor.lag)

    def is_new(self, digest: str, value: Any) -> bool:
        """Notes a row; False when it was delivered before."""
        if digest in self.window:
            return False
        self.window[digest] = value
        if value is not None and (self.newest is None or value > self.newest):
            self.newest = value
        return True

    def forget_old(self) -> None:
        """Drops the digests of rows that no sync will read again; rows without a value are always read again."""
        start = self.start
        if start is not None:
            self.window = {row: value for row, value in self.window.items() if value is None or value >= start}

    def as_json(self) -> dict[str, Any]:
        """For the state file; `from_json` makes the same position of it."""
        self.forget_old()
        return {
            "column": self.cursor.column,
            "newest": _encoded(self.newest),
            "window": [[digest, _encoded(value)] for digest, value in self.window.items()],
        }

    @classmethod
    def from_json(cls, cursor: Cursor, content: dict[str, Any] | None) -> Position:
        """The position that was kept, or the beginning when there is none for this column."""
        if not content or content["column"] != cursor.column:
            return cls(cursor)
        window = {digest: _decoded(value) for digest, value in content["window"]}
        return cls(cursor, _decoded(content["newest"]), window)


def _lagged(value: Any, lag: float | None) -> Any:
    from dlt.extract.incremental.lag import apply_lag

    if lag is None:
        lag = _default_lag(value)
    if not lag:
        return value
    if isinstance(value, Decimal):
        return value - Decimal(str(lag))
    try:
        return apply_lag(lag, None, value, max)
    except ValueError:  # a text that is no time has no distance
        return value


def _default_lag(value: Any) -> float:
    if isinstance(value, str | datetime):
        return _LAG_SECONDS
    return _LAG_DAYS if isinstance(value, date) else _LAG_UNITS


def _encoded(value: Any) -> Any:
    """Times and amounts as a tagged text; JSON has neither."""
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _DECODERS[kind](text)
