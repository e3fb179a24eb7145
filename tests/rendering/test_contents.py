"""Texts that are not joined yet come to what joining them at once would."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from rendering.contents import Content, Contents, Part, Texts, interleaved
from rendering.json_text import escaped, in_json, needs_nothing, put_out_in_json
from rendering.links import MESSAGE_MARK
from rendering.paragraphs import Paragraphs
from rendering.payload import paragraphed
from rendering.plaintext import PARAGRAPH

_ROWS = 5
_TEXT = st.text(st.sampled_from(f'ab \n\t{PARAGRAPH}\\"é\u00a0'), max_size=6)


@st.composite
def _parts(draw: st.DrawFn) -> list[str | Texts[str]]:
    """Parts as a template gives them: texts of its own, and readers' own, some of them shared by many."""
    found: list[str | Texts[str]] = []
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            found.append(draw(_TEXT))
        else:
            values = draw(st.lists(_TEXT, min_size=1, max_size=3))
            codes = draw(st.lists(st.integers(0, len(values) - 1), min_size=_ROWS, max_size=_ROWS))
            found.append(Texts.of(values, np.array(codes)))
    return found


def _joined(parts: list[str | Texts[str]], row: int) -> str:
    return "".join(part.values[part.codes[row]] if isinstance(part, Texts) else part for part in parts)


def _in_json(part: str | Texts[str]) -> Part[str]:
    if isinstance(part, Texts):
        return Texts.of(list(map(escaped, part.values)), part.codes)
    return escaped(part)


def test_what_is_the_same_for_all_rows_is_there_once_with_the_text_beside_it_and_escapes_none_of_it() -> None:
    same = Texts.of([Markup("<b>")], np.zeros(_ROWS, dtype=np.int64))
    assert Contents([same, "<i>", same], _ROWS).parts == ["<b><i><b>"]


@settings(max_examples=400, deadline=None)
@given(_parts())
def test_contents_are_joined_together_and_alone_and_for_some_rows(parts: list[str | Texts[str]]) -> None:
    contents = Contents(parts, _ROWS)
    whole = [_joined(parts, row) for row in range(_ROWS)]
    assert contents.joined("") == whole
    assert [bytes(Content(contents, row)).decode() for row in range(_ROWS)] == whole
    assert max(map(len, whole)) <= contents.longest()
    assert contents.taken(np.array([3, 1])).joined("") == [whole[3], whole[1]]


@settings(max_examples=600, deadline=None)
@given(_parts())
def test_paragraphs_told_part_by_part_are_those_of_the_whole_text(parts: list[str | Texts[str]]) -> None:
    known = Paragraphs()
    known.start()
    told = known.told(Contents(map(_in_json, parts), _ROWS))
    assert told.joined("") == [escaped(paragraphed(_joined(parts, row))) for row in range(_ROWS)]


def test_what_is_remembered_of_a_batchs_values_is_not_taken_for_another_batchs() -> None:
    known, codes = Paragraphs(), np.zeros(_ROWS, dtype=np.int64)
    for text in ("one", f" two{PARAGRAPH}", "three"):
        known.start()
        parts: list[Part[str]] = [Texts.of([escaped(text)], codes), escaped(f"{PARAGRAPH}end")]
        assert known.told(Contents(parts, _ROWS)).joined("")[0] == escaped(paragraphed(f"{text}{PARAGRAPH}end"))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=8), st.integers(1, 4))
def test_contents_stand_each_after_what_comes_before_it(texts: list[str], at_once: int) -> None:
    alike = Contents(
        [b"<", Texts.of([text.encode() for text in texts] or [b""], np.arange(len(texts))), b">"], len(texts)
    )
    contents: list[Content | bytes] = [Content(alike, row) for row in range(len(texts))]
    contents[1:1] = [b"alone"] if texts else []
    before = [f"{number}:".encode() for number in range(len(contents))]
    expected = b"".join(one + bytes(other) for one, other in zip(before, contents, strict=True))
    assert b"".join(interleaved(before, contents, at_once)) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(st.sampled_from(f"ab&<>'\"\\\né{MESSAGE_MARK}\x7f"), max_size=4), max_size=4))
def test_values_that_need_nothing_are_put_out_as_they_are(values: list[str]) -> None:
    put_out = put_out_in_json(lambda value: str(value).replace("&", "&amp;").replace("<", "&lt;"))
    if needs_nothing(values):
        assert list(map(put_out, values)) == values == list(map(in_json, values))


def test_values_of_other_kinds_are_looked_at_one_by_one() -> None:
    assert needs_nothing(["plain", "text"])
    assert not needs_nothing(["plain", 1])
    assert not needs_nothing([])
