"""Text that is hard to read, and what dark mode makes of a message."""

from __future__ import annotations

import pytest

from rendering.campaign import load_campaigns
from rendering.colours import contrast, parsed, texts
from rendering.lint import lint
from rendering.payload import render
from rendering.samples import samples
from rendering.templates import compile_campaign
from tests.rendering.conftest import MESSAGE
from tests.rendering.test_lint import COLUMNS


def messages(campaign) -> list[tuple[int, str, str]]:
    return [(each.line, each.severity, each.message) for each in lint(campaign, COLUMNS, set())]


@pytest.mark.parametrize(
    ("front", "back", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#777777", "#fff", 4.48),
        ("#767676", "white", 4.54),
        ("rgb(255, 0, 0)", "#fff", 4.0),
    ],
)
def test_contrast_is_what_wcag_says_it_is(front, back, ratio):
    assert contrast(parsed(front), parsed(back)) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(
    ("style", "says"),
    [
        ("color:#777777", "#777777 on #ffffff has a contrast of 4.5:1"),
        ("color:#999;font-size:24px", "asks for 3:1, large as it is"),
        ("color:#fff;background-color:#ffd166", "#fff on #ffd166"),
        ("color:white", "white on #ffffff has a contrast of 1.0:1"),
    ],
)
def test_text_that_is_hard_to_read_is_found_with_its_line(write, style, says):
    found = messages(write(message=MESSAGE.replace("Dear", f'<b style="{style}">My dear</b>')))

    assert [line for line, severity, message in found if says in message and severity == "error"] == [3], found


@pytest.mark.parametrize(
    "style",
    [
        "color:#767676",
        "color:#949494;font-size:24px",
        "color:#949494;font-size:19px",
        "color:#949494;font:700 19px/24px Arial",
    ],
)
def test_text_that_reaches_the_ratio_is_not_found(write, style):
    assert messages(write(message=MESSAGE.replace("Dear", f'<b style="{style}">My dear</b>'))) == []


def test_words_behind_display_none_are_not_looked_at(write):
    hidden = '<i style="display:none;color:#ffffff">My dear</i>'

    assert messages(write(message=MESSAGE.replace("Dear", hidden))) == []


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (
            '<mj-raw><meta name="color-scheme" content="light dark"></mj-raw>',
            "",
            "does not say that it has a dark form",
        ),
        ("@media (prefers-color-scheme: dark) { .x { color: #ffffff; } }", "p { margin: 0; }", "no style is for dark"),
        (' background-color="#ffffff"', "", "black text without a background"),
        (
            "Dear",
            '<img src="https://x.example.com/a.png" alt="a" width="9" height="9">Dear',
            "the picture may be transparent",
        ),
    ],
)
def test_pitfalls_of_dark_mode_are_warned_of(write, was, becomes, says):
    found = messages(write(message=MESSAGE.replace(was, becomes)))

    assert {severity for _, severity, message in found if says in message} == {"warning"}, found


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_every_text_of_the_shipped_campaigns_is_readable(campaign, site):
    compiled = compile_campaign(campaign)
    drawn = [text for record in samples(campaign) for text in texts(render(compiled, record, site).html)]

    assert len(drawn) > 20
    assert [text for text in drawn if not text.is_readable] == []
