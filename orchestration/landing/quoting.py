"""Text into SQL, for what cannot be a parameter."""

from __future__ import annotations


def literal(text: str) -> str:
    """The text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def name(column: str) -> str:
    """The text as a column's name."""
    return '"' + column.replace('"', '""') + '"'
