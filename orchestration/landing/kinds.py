"""What kind of value a column holds, told from a sample: enough to notice that a source has changed it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.landing.quoting import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE_ROWS = 1_000
# Digits with a leading zero are a code, not a number: as one, they would lose it.
_KIND = """
    case
        when count({0}) = 0 then 'empty'
        when count(*) filter (regexp_full_match({0}, '-?(0|[1-9][0-9]{{0,17}})')) = count({0}) then 'integer'
        when count(*) filter (regexp_full_match({0}, '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?')) = count({0})
            then 'number'
        when count(*) filter (lower({0}) in ('true', 'false')) = count({0}) then 'boolean'
        when count(*) filter (regexp_full_match({0}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')) = count({0}) then 'date'
        when count(*) filter (regexp_matches({0}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]{{2}}:')) = count({0})
            then 'time'
        when count(*) filter (json_valid({0}) and {0}[1] in ('{{', '[')) = count({0}) then 'json'
        else 'text'
    end
"""


def of_sample(connection: DuckDBPyConnection, sample: str, columns: Sequence[str]) -> dict[str, str]:
    """Each column's kind: integer, number, boolean, date, time, json, text, or empty where it has no value.

    `sample` is a query of text columns; empty text counts as no value.
    """
    if not columns:
        return {}
    texts = ", ".join(f"nullif(trim({name(column)}), '') as {name(column)}" for column in columns)
    kinds = ", ".join(_KIND.format(name(column)) for column in columns)
    (row,) = connection.execute(f"select {kinds} from (select {texts} from ({sample}) as sample) as texts").fetchall()
    return dict(zip(columns, row, strict=True))
