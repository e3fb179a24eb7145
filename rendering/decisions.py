"""Rules of slots as SQL: which block a person gets is decided in the warehouse, and recorded there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rendering.campaign import Campaign
from rendering.errors import PredicateError, RuleError
from rendering.parts import Rule

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--|/\*|\#)
    | (?P<text>'(?:[^'\\]|'')*')
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<operator><>|<=|>=|!=|\|\||[=<>+\-*/%(),.])
    """,
    re.VERBOSE,
)
_KEYWORDS = frozenset(
    {"and", "between", "case", "date", "day", "days", "else", "end", "false", "in", "interval"}
    | {"is", "like", "month", "months", "not", "null", "or", "then", "timestamp", "true", "when"}
    | {"year", "years"}
)
_FUNCTIONS = frozenset(
    {"abs", "ceil", "coalesce", "contains", "extract", "floor", "greatest", "least", "length"}
    | {"lower", "nullif", "round", "starts_with", "trim", "upper"}
)
_STATEMENTS = frozenset(
    {"alter", "attach", "call", "copy", "create", "delete", "detach", "drop", "execute", "exists"}
    | {"export", "from", "grant", "import", "insert", "install", "into", "join", "load", "merge"}
    | {"pragma", "read", "select", "set", "union", "update", "using", "values", "where", "with"}
)
_CLOCK = frozenset(
    {"current_date", "current_time", "current_timestamp", "getdate", "localtimestamp", "now"} | {"sysdate", "today"}
)


@dataclass(frozen=True)
class _Word:
    text: str
    is_called: bool
    is_qualifier: bool
    is_member: bool


def slot_cases(campaign: Campaign) -> dict[str, str]:
    """For each slot a SQL expression over `p`, a row of `core.profiles`, that gives the name of the first
    rule that holds. Predicates stand in it as they were written. RuleError names the line of a rule that is
    not a plain predicate, or whose place is wrong."""
    return {slot: _case(campaign, slot, rules) for slot, rules in campaign.slots.items()}


def columns_used(predicate: str) -> set[str]:
    """The profile columns that a predicate reads. PredicateError says what a predicate may not hold."""
    columns = set()
    for word in _words(predicate):
        lowered = word.text.lower()
        if word.is_qualifier:
            if lowered != "p":
                raise PredicateError(f"{word.text}.… is not the profile; write the column alone, or p.column.")
        elif lowered in _STATEMENTS:
            raise PredicateError(f"{word.text} does not belong in a rule, which is one condition over the profile.")
        elif word.is_called:
            if lowered in _CLOCK:
                raise PredicateError(f"{word.text}() reads the clock; compare with a column instead.")
            if lowered not in _FUNCTIONS | _KEYWORDS:
                known = ", ".join(sorted(_FUNCTIONS))
                raise PredicateError(f"{word.text}() is not a function of rules; there are {known}.")
        elif lowered in _CLOCK:
            raise PredicateError(f"{word.text} reads the clock; compare with a column instead.")
        elif word.is_member or lowered not in _KEYWORDS:
            columns.add(lowered)
    return columns


def _case(campaign: Campaign, slot: str, rules: tuple[Rule, ...]) -> str:
    *conditional, default = rules
    for rule in conditional:
        if rule.when is None:
            raise RuleError(campaign.file, rule.line, f"slots.{slot}: {rule.name} has no 'when', so it must come last.")
    if default.when is not None:
        raise RuleError(
            campaign.file,
            default.line,
            f"slots.{slot}: {default.name} comes last and has a 'when'; add a default after it, without one.",
        )
    branches = [_branch(campaign, slot, rule) for rule in conditional]
    if not branches:
        return f"'{default.name}'"
    return f"case {' '.join(branches)} else '{default.name}' end"


def _branch(campaign: Campaign, slot: str, rule: Rule) -> str:
    try:
        columns_used(rule.when or "")
    except PredicateError as error:
        raise RuleError(campaign.file, rule.line, f"slots.{slot}: {rule.name}: {error}") from error
    return f"when ({rule.when}) then '{rule.name}'"


def _words(predicate: str) -> list[_Word]:
    """The words of a predicate; comments, `;`, double quotes, backslashes and open brackets are refused."""
    tokens: list[tuple[str, str]] = []
    depth = position = 0
    while position < len(predicate):
        match = _TOKEN.match(predicate, position)
        if match is None or match.lastgroup == "comment":
            raise PredicateError(f"{predicate[position : position + 2].strip()!r} may not stand in a rule.")
        kind, text = str(match.lastgroup), match.group()
        if kind == "text" and tokens and tokens[-1][0] in ("word", "text", "number"):
            raise PredicateError(f"a text right after {tokens[-1][1]!r}; put a space or an operator between them.")
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth < 0:
            raise PredicateError("a ')' closes nothing.")
        tokens.append((kind, text))
        position = match.end()
    if depth or not tokens:
        raise PredicateError("a '(' is not closed." if depth else "is empty.")
    solid = [("", ""), *(token for token in tokens if token[0] != "space"), ("", "")]
    return [
        _Word(text, is_called=after[1] == "(", is_qualifier=after[1] == ".", is_member=before[1] == ".")
        for before, (kind, text), after in zip(solid, solid[1:], solid[2:], strict=False)
        if kind == "word"
    ]
