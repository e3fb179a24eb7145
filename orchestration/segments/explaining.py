"""Why a person is in a segment, or is not: which of its conditions hold for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from duckdb import Error as QueryError

from orchestration import dbt
from orchestration.segments import conditions
from orchestration.segments.conditions import CannotBeSplitError, Select
from orchestration.segments.definitions import Definition, SegmentError
from orchestration.settings import DBT_PROJECT, Settings
from orchestration.warehouse import Warehouse

_PERSON = """
    select person_id
    from core.identity_map
    where person_id = ? or md5(identifier_type || ':' || identifier) = ?
        or (identifier_type = 'email' and identifier = nullif(lower(trim(?)), ''))
    limit 1
"""
_MEMBERSHIP = """
    select refreshes.built_at, refreshes.is_refreshed, refreshes.failure, memberships.member_since
    from core.segment_refreshes as refreshes
    left join core.segment_memberships as memberships
        on refreshes.segment = memberships.segment and memberships.person_id = ?
    where refreshes.segment = ?
"""


@dataclass(frozen=True)
class Condition:
    """One condition, in the words of its file and as compiled. `holds` is None where no row is left to hold it
    against; `rows_held` of `rows_count` rows meet it."""

    text: str
    compiled: str
    kind: str
    holds: bool | None
    rows_held: int
    rows_count: int
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Branch:
    """One way into the segment: all its conditions must hold. `unsplit` is what could not be taken apart."""

    conditions: list[Condition]
    is_met: bool | None
    unsplit: str = ""


@dataclass(frozen=True)
class Explanation:
    """What holds for a person. `is_member` is what the last build found."""

    segment: str
    person_id: str
    is_member: bool
    member_since: Any
    built_at: Any
    failure: str | None
    branches: list[Branch]
    unsplit: str = ""

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def explain(settings: Settings, warehouse: Warehouse, segment: Definition, person: str) -> Explanation:
    """Each condition of the segment as the last build compiled it, held against one person's rows."""
    # A condition is a question of its own.
    with warehouse.kept_open():
        return _explained(settings, warehouse, segment, person)


def _explained(settings: Settings, warehouse: Warehouse, segment: Definition, person: str) -> Explanation:
    found = warehouse.rows(_PERSON, [person, person, person])
    if not found:
        raise SegmentError("Nobody is known under this address or id; check its spelling, or land a file with it.")
    person_id = str(found[0]["person_id"])
    built = warehouse.rows(_MEMBERSHIP, [person_id, segment.name])
    compiled = dbt.compiled_file(settings, segment.file.relative_to(DBT_PROJECT))
    if not built or not compiled.exists():
        raise SegmentError(f"The segment {segment.name} is not built yet; run `sincerely build` first.")
    sql = compiled.read_text(encoding="utf-8")
    branches, unsplit = _branches(warehouse, sql, segment.file.read_text(encoding="utf-8"), person_id)
    (state,) = built
    return Explanation(
        segment=segment.name,
        person_id=person_id,
        is_member=state["member_since"] is not None,
        member_since=state["member_since"],
        built_at=state["built_at"],
        failure=state["failure"],
        branches=branches,
        unsplit=unsplit,
    )


def _branches(warehouse: Warehouse, sql: str, source: str, person_id: str) -> tuple[list[Branch], str]:
    try:
        selects = conditions.take_apart(sql)
    except CannotBeSplitError as error:
        return [], f"This query cannot be split into conditions: {error}."
    words = conditions.in_the_analysts_words(selects, source)
    try:
        return [_branch(warehouse, *each, person_id) for each in zip(selects, words, strict=True)], ""
    except QueryError as error:
        return [], f"This query cannot be asked about one person: {next(iter(str(error).splitlines()), '')}"


def _branch(warehouse: Warehouse, select: Select, words: Select, person_id: str) -> Branch:
    found = [
        *_of_joins(warehouse, select, words, person_id),
        *_of_rows(warehouse, select, words, person_id),
        *_of_group(warehouse, select, words, person_id),
    ]
    if words.rest:
        return Branch(found, None, f"cannot be split: {_one_line(words.rest)}")
    return Branch(found, all(each.holds for each in found))


def _of_joins(warehouse: Warehouse, select: Select, words: Select, person_id: str) -> list[Condition]:
    """Each table in turn: whether a row of the person is left after it."""
    found = []
    steps = [(select.table, f"a row in {_one_line(words.table)}", f"a row in {_one_line(select.table)}", True)]
    for number, (join, said) in enumerate(zip(select.joins, words.joins, strict=True), 1):
        tables = "\n".join([select.table, *(each.text for each in select.joins[:number])])
        steps.append((tables, _one_line(said.text), _one_line(join.text), join.decides))
    for tables, text, compiled, decides in steps:
        sql = f"{select.before} select count(*) as rows_count from {tables} where ({select.person}) = ?"
        try:
            rows = int(warehouse.rows(sql, [person_id])[0]["rows_count"])
        except QueryError:  # the person comes in with a later table
            continue
        if decides:
            found.append(Condition(text, compiled, "table", rows > 0, rows, rows))
    return found


def _of_rows(warehouse: Warehouse, select: Select, words: Select, person_id: str) -> list[Condition]:
    if not select.where:
        return []
    columns = [conditions.columns_of(each) for each in select.where]
    names = list(dict.fromkeys(column for each in columns for column in each))
    sql = (
        f"{select.before} select count(*) as rows_count, {_counted(select.where)}{_spread(names)} from (\n"
        f"select {_named('holds', select.where)}{_named('value', names, first=', ')}\n"
        f"from {_tables(select)} where ({select.person}) = ?\n) as asked"
    )
    (row,) = warehouse.rows(sql, [person_id])
    count = int(row["rows_count"])
    values = {name: _shown(row[f"low_{i}"], row[f"high_{i}"]) for i, name in enumerate(names)}
    found = [
        Condition(
            text=_one_line(text),
            compiled=_one_line(compiled),
            kind="row",
            holds=row[f"held_{i}"] > 0 if count else None,
            rows_held=row[f"held_{i}"],
            rows_count=count,
            values={name: values[name] for name in used} if count else {},
        )
        for i, (text, compiled, used) in enumerate(zip(words.where, select.where, columns, strict=True))
    ]
    if len(found) > 1 and count > 1:
        text = "all of these in one row"
        found.append(Condition(text, text, "rows", row["held_all"] > 0, row["held_all"], count))
    return found


def _of_group(warehouse: Warehouse, select: Select, words: Select, person_id: str) -> list[Condition]:
    if not select.having:
        return []
    aggregates = [conditions.aggregates_of(each) for each in select.having]
    names = list(dict.fromkeys(name for each in aggregates for name in each))
    met = " and ".join(f"({each}\n)" for each in [f"({select.person}) = ?", *select.where])
    sql = (
        f"{select.before} select {_named('holds', select.having)}{_named('value', names, first=', ')}\n"
        f"from {_tables(select)} where {met}" + (f" group by {select.group_by}" if select.group_by else "")
    )
    rows = warehouse.rows(sql, [person_id])
    found = []
    for i, (text, compiled, used) in enumerate(zip(words.having, select.having, aggregates, strict=True)):
        values = {name: _shown(*[rows[0][f"value_{names.index(name)}"]] * 2) for name in used} if rows else {}
        held = bool(rows and rows[0][f"holds_{i}"])
        holds = held if rows else None
        found.append(Condition(_one_line(text), _one_line(compiled), "group", holds, int(held), len(rows), values))
    return found


def _tables(select: Select) -> str:
    return "\n".join([select.table, *(join.text for join in select.joins)])


def _counted(texts: Sequence[str]) -> str:
    held = [f"count(*) filter (where holds_{i}) as held_{i}" for i in range(len(texts))]
    everything = " and ".join(f"holds_{i}" for i in range(len(texts)))
    return ", ".join([*held, f"count(*) filter (where {everything}) as held_all"])


def _named(name: str, texts: Sequence[str], first: str = "") -> str:
    listed = ", ".join(f"({text}\n) as {name}_{i}" for i, text in enumerate(texts))
    return first + listed if listed else ""


def _spread(names: Sequence[str]) -> str:
    return "".join(
        f", cast(min(value_{i}) as varchar) as low_{i}, cast(max(value_{i}) as varchar) as high_{i}"
        for i in range(len(names))
    )


def _shown(low: Any, high: Any) -> str:
    if low is None:
        return "nothing"
    return str(low) if low == high else f"{low} … {high}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
