"""Records of a list as two dicts: what many readers share, and what is the person's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Item(tuple[dict[str, Any], dict[str, Any]]):
    """(shared, own): a copy of the two would cost more than all else that a message needs of a product."""

    __slots__ = ()

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a field, the person's own first."""
        shared, own = self
        return own[key] if key in own else shared.get(key, default)

    def fields(self) -> Iterator[str]:
        """The names of all fields."""
        return iter({**self[0], **self[1]})
