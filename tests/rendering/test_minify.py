"""Leaner HTML is the same page: for browsers, and for Outlook, which reads what stands in conditional comments."""

from __future__ import annotations

import re

import pytest

from rendering.campaign import load_campaigns
from rendering.minify import minified, with_reset, without_reset
from rendering.payload import render
from rendering.samples import samples
from rendering.templates import compile_campaign
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
        assert outlook.count('width="600"') >= 4, "Outlook needs the width of each section as an attribute"
        assert "<![endif]" not in outlook


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_a_message_stays_far_below_what_mail_programs_cut(campaign, site):
    compiled = compile_campaign(campaign)

    assert max(len(render(compiled, record, site).html.encode()) for record in samples(campaign)) < 24 * 1024


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
    ],
)
def test_only_what_says_nothing_is_left_out(was, becomes):
    assert minified(was) == becomes


def test_the_reset_is_the_first_sheet_so_that_all_others_win():
    html = '<head><title>x</title><style type="text/css">\n#outlook a { padding: 0; }</style><style>b{}</style></head>'

    rest, reset = without_reset(html)

    assert "#outlook" not in rest
    assert with_reset(rest, reset).startswith("<head>" + reset)
    assert without_reset("<head></head>") == ("<head></head>", "")
