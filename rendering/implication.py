"""Conditions that follow from each other, as far as it can be proved without looking at a single person."""

from __future__ import annotations

import re

# One comparison of a column with a value, with a list of values, or with nothing.
_EQUALS = re.compile(r"(?:p\.)?(?P<column>[a-z_][a-z0-9_]*) = (?P<value>'[^']*'|-?[0-9.]+|true|false)")
_IN = re.compile(r"(?:p\.)?(?P<column>[a-z_][a-z0-9_]*) in \((?P<values>[^()]*)\)")
_PRESENT = re.compile(r"(?:p\.)?(?P<column>[a-z_][a-z0-9_]*) is not null")
_ABSENT = re.compile(r"(?:p\.)?(?P<column>[a-z_][a-z0-9_]*) is null")
_LEAST = re.compile(r"(?:p\.)?(?P<column>[a-z_][a-z0-9_]*) (?P<how>>=?) (?P<value>-?[0-9.]+)")
_MOST = re.compile(r"(?:p\.)?(?P<column>[a-z_][a-z0-9_]*) (?P<how><=?) (?P<value>-?[0-9.]+)")
_TEXT = re.compile(r"'(?:[^']|'')*'")
_OPERATOR = re.compile(r"\s*(<>|<=|>=|!=|=|<|>)\s*")


def implies(narrow: str, wide: str) -> bool:
    """Whether everybody of whom the predicate `narrow` holds is surely one of whom `wide` holds; False when that
    cannot be told."""
    parts = _parts(narrow)
    return all(any(_part_implies(part, each) for part in parts) for each in _parts(wide))


def contradicts_itself(predicate: str) -> bool:
    """Whether the predicate surely holds of nobody: a column is to be two things at once."""
    parts = _parts(predicate)
    return any(_excludes(a, b) for number, a in enumerate(parts) for b in parts[number + 1 :])


def _parts(predicate: str) -> list[str]:
    """The conditions that `and` joins at the outside, written alike; a predicate with `or` outside is one of them."""
    words = _tokens(_plain(predicate))
    while len(words) > 1 and words[0] == "(" and _closes(words) == len(words) - 1:
        words = words[1:-1]
    parts: list[list[str]] = [[]]
    depth, is_between = 0, False
    for word in words:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word in ("or", "case"):
            return [" ".join(words)]
        is_between = is_between or (depth == 0 and word == "between")
        if depth == 0 and word == "and" and not is_between:
            parts.append([])
            continue
        if depth == 0 and word == "and":
            is_between = False
        parts[-1].append(word)
    if len(parts) == 1:
        return [_joined(parts[0])]
    return [found for part in parts for found in _parts(_joined(part))]


def _plain(predicate: str) -> str:
    """The predicate in small letters, except for its texts, with one space around operators."""
    texts: list[str] = []

    def kept(match: re.Match[str]) -> str:
        texts.append(match.group())
        return f"\x00{len(texts) - 1}\x00"

    plain = _OPERATOR.sub(r" \1 ", _TEXT.sub(kept, predicate).lower())
    plain = " ".join(re.sub(r"([(),])", r" \1 ", plain).split())
    return re.sub(r"\x00(\d+)\x00", lambda match: texts[int(match[1])], plain)


def _tokens(plain: str) -> list[str]:
    return re.findall(r"'(?:[^']|'')*'|\S+", plain)


def _joined(words: list[str]) -> str:
    return " ".join(words).replace("( ", "(").replace(" )", ")").replace(" ,", ",")


def _closes(words: list[str]) -> int:
    """Where the first bracket closes."""
    depth = 0
    for place, word in enumerate(words):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0:
            return place
    return -1


def _part_implies(narrow: str, wide: str) -> bool:
    if narrow == wide:
        return True
    column, values = _values(narrow)
    if (wanted := _PRESENT.fullmatch(wide)) and column is None:
        bounded = _LEAST.fullmatch(narrow) or _MOST.fullmatch(narrow)
        return bounded is not None and bounded["column"] == wanted["column"]
    if wanted:
        return column == wanted["column"]
    other, allowed = _values(wide)
    if column is not None and other is not None:
        return column == other and values <= allowed
    for pattern, larger in ((_LEAST, True), (_MOST, False)):
        a, b = pattern.fullmatch(narrow), pattern.fullmatch(wide)
        if a and b and a["column"] == b["column"]:
            x, y = float(a["value"]), float(b["value"])
            return (x > y if larger else x < y) or (x == y and not (len(b["how"]) == 1 and len(a["how"]) == 2))
    return False


def _values(part: str) -> tuple[str | None, set[str]]:
    if match := _EQUALS.fullmatch(part):
        return match["column"], {match["value"]}
    if match := _IN.fullmatch(part):
        return match["column"], {
            value.strip() for value in _TEXT.findall(match["values"]) or match["values"].split(",")
        }
    return None, set()


def _excludes(a: str, b: str) -> bool:
    column, values = _values(a)
    other, others = _values(b)
    if column is not None and column == other:
        return not values & others
    for one, two in ((a, b), (b, a)):
        if absent := _ABSENT.fullmatch(one):
            present = _PRESENT.fullmatch(two)
            return _values(two)[0] == absent["column"] or (
                present is not None and present["column"] == absent["column"]
            )
    low, high = (
        (_LEAST.fullmatch(a), _MOST.fullmatch(b)) if _LEAST.fullmatch(a) else (_LEAST.fullmatch(b), _MOST.fullmatch(a))
    )
    if low and high and low["column"] == high["column"]:
        least, most = float(low["value"]), float(high["value"])
        return least > most or (least == most and (len(low["how"]) == 1 or len(high["how"]) == 1))
    return False
