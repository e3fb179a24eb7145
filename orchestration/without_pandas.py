"""Processes that do without pandas."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NotHere(MetaPathFinder):
    """Finds no pandas."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("this process does without pandas", name=fullname)


def leave_pandas_out() -> None:
    """For the rest of the process: Arrow imports pandas, where it is installed, to see whether a list is of it, which
    takes as long as ten thousand messages."""
    sys.meta_path.insert(0, _NotHere())
