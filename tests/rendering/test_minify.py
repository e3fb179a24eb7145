"""Leaner HTML is the same page: for browsers, and for Outlook, which reads what stands in conditional comments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rendering import mjml
from rendering.campaign import load_campaigns
from rendering.links import Site
from rendering.minify import minified, with_reset, without_reset
from rendering.payload import render
from rendering.samples import samples
from rendering.templates import compile_campaign
from tests.browser import Opened
from tests.rendering.test_templates import Nesting

_OUTLOOK = re.compile(r"<!--\[if (?:lte )?mso[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_OTHERS = re.compile(r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->", re.DOTALL)


class OfOutlook(Nesting):
    """As for browsers, but for the rows that conditional comments put straight into their tables."""

    def handle_starttag(self, tag, attrs):
        if tag == "tr" and self.opened[-1] == "table":
            self.opened.append(tag)
        else:
            super().handle_starttag(tag, attrs)


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_what_outlook_reads_is_well_nested_too(campaign, site):
    compiled = compile_campaign(campaign)

    for record in samples(campaign):
        html = render(compiled, record, site).html
        outlook = _OUTLOOK.sub(r"\1", _OTHERS.sub("", html))
        nesting = OfOutlook()
        nesting.feed(re.sub(r"<xml>.*?</xml>", "", outlook, flags=re.DOTALL))
        assert nesting.opened == []
        assert outlook.count('width="600"') >= 3, "Outlook needs the width of each frame as an attribute"
        assert "<![endif]" not in outlook


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_a_message_stays_far_below_what_mail_programs_cut(campaign, site):
    compiled = compile_campaign(campaign)

    assert max(len(render(compiled, record, site).html.encode()) for record in samples(campaign)) < 20 * 1024


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('<p style="color: #fff; margin: 0;">', '<p style="color:#fff;margin:0">'),
        ('<p style="background:#fff;background-color:#fff;margin:0">', '<p style="background-color:#fff;margin:0">'),
        ('<p style="a:b;background:#fff;background-color:#fff">', '<p style="a:b;background-color:#fff">'),
        ('<p style="background:#eee;background-color:#fff">', '<p style="background:#eee;background-color:#fff">'),
        ("a<!--[if mso | IE]>1<![endif]--> <!--[if mso | IE]>2<![endif]-->b", "a<!--[if mso]>12<![endif]-->b"),
        ("<style> p { margin: 0; }\n td > p { a: b } </style>", "<style>p{margin: 0}td > p{a: b}</style>"),
        ("<b>two  words</b>", "<b>two  words</b>"),
        ("<td>\n  <b>", "<td><b>"),
        ('<a href="https://x.example.com/?a: b; c">', '<a href="https://x.example.com/?a: b; c">'),
        (
            '<td align="left" style="font-size:0px;padding:0">'
            '<div style="font-family:Arial;font-size:16px;font-weight:700;line-height:24px;text-align:left;color:red">',
            '<td align="left" style="padding:0"><div style="font:700 16px/24px Arial;color:red">',
        ),
        (
            '<td align="left" style="font-size:0px"><div style="font-family:Arial;font-size:16px;text-align:center">',
            '<td align="left"><div style="font-family:Arial;font-size:16px;text-align:center">',
        ),
        *(
            (own, own)
            for own in (
                '<td align="left" style="font-size:12px"><div style="font-family:Arial">one</div> two</td>',
                '<td align="left" style="font-size:0;font-weight:700"><div style="font:16px/24px Arial">',
                '<td width="100%" style="vertical-align:top">',
                '<img width="120" style="width:120px">',
                '<span style="color:#222;text-transform:none;cursor:auto">cursor:auto;text-transform:none;</span>',
            )
        ),
        (
            '<div style="color:#222" role="article"><td style="padding:0;word-break:break-word">',
            '<div style="word-break:break-word;color:#222" role="article"><td style="padding:0">',
        ),
        (
            '<table role="presentation" width="600" class="card-outlook" style="width:600px">',
            '<table role="presentation" width="600">',
        ),
        (
            '<style>.card-outlook{a:b}</style><table width="600" class="card-outlook">',
            '<style>.card-outlook{a:b}</style><table width="600" class="card-outlook">',
        ),
        (f"<b>{'plain ' * 100}\u200a</b>", f"<b>{'plain ' * 100}&#8202;</b>"),
        ("<b>\u0414\u043e\u0431\u0440\u044b\u0439</b>", "<b>\u0414\u043e\u0431\u0440\u044b\u0439</b>"),
        (
            f"<style>p{{content:'\u2192'}}</style>{'plain ' * 100}\u200a",
            f"<style>p{{content:'\u2192'}}</style>{'plain ' * 100}\u200a",
        ),
    ],
)
def test_only_what_says_nothing_is_left_out(was, becomes):
    assert minified(was) == becomes


@pytest.mark.parametrize("number", range(len(load_campaigns())))
def test_a_leaner_page_is_drawn_as_mjml_s_own(
    number: int, site: Site, browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = load_campaigns()[number]
    width, scheme = ((800, "light"), (360, "dark"))[number % 2]
    record = next(iter(samples(campaign)))
    lean = render(compile_campaign(campaign), record, site).html
    monkeypatch.setattr(mjml, "minified", lambda html: html)
    monkeypatch.setattr(mjml, "shared", lambda html, named: html)
    whole = render(compile_campaign(campaign), record, site).html

    assert len(lean) < len(whole) * 0.75
    pictures = [drawn(browser, tmp_path / name, html, width, scheme) for name, html in (("a", lean), ("b", whole))]
    assert pictures[0] == pictures[1]


def drawn(browser: Any, folder: Path, html: str, width: int, scheme: str) -> bytes:
    folder.mkdir()
    (folder / "page.html").write_text(html, encoding="utf-8")
    with Opened(browser, folder / "page.html", width=width, color_scheme=scheme) as opened:
        picture: bytes = opened.page.screenshot(full_page=True)
        return picture


def test_the_reset_is_the_first_sheet_so_that_all_others_win():
    html = '<head><title>x</title><style type="text/css">\n#outlook a { padding: 0; }</style><style>b{}</style></head>'

    rest, reset = without_reset(html)

    assert "#outlook" not in rest
    assert with_reset(rest, reset).startswith("<head>" + reset)
    assert without_reset("<head></head>") == ("<head></head>", "")
