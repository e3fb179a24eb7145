"""Compiled HTML without what no mail program needs: half of what MJML writes says nothing, or says it twice."""

from __future__ import annotations

import re

# Two conditional comments in a row are one: Outlook reads the same markup.
_ADJACENT = re.compile(r"<!\[endif\]-->\s*<!--\[if mso \| IE\]>")
_STYLE = re.compile(r' style="([^"]*)"')
_AROUND = re.compile(r"\s*([:;,])\s*")
# MJML says a colour twice for mail programs that know only the short form; all of today's know the long one,
# and Outlook takes it from the attribute bgcolor.
_TWICE = re.compile(r"(?:^|;)background:(#[0-9a-fA-F]{3,8});(?=background-color:\1(?:;|$))")
_RULES = re.compile(r"\s*([{};])\s*")
_SHEET = re.compile(r"(<style[^>]*>)(.*?)(</style>)", re.DOTALL)
_BETWEEN = re.compile(r">\s*\n\s*<")
# A column as wide as its section is the section: MJML puts a table for Outlook and a block around it nevertheless.
_WHOLE_COLUMN = re.compile(
    r'<!--\[if mso \| IE\]><table border="0" cellpadding="0" cellspacing="0" role="presentation"><tr>'
    r'<td style="vertical-align:top;width:600px"><!\[endif\]-->'
    r'<div class="mj-outlook-group-fix mj-column-per-100" style="font-size:0px;text-align:left;direction:ltr;'
    r'display:inline-block;vertical-align:top;width:100%">(?P<inside>(?:(?!<div class="mj-)(?!<!--\[if mso).)*?)'
    r"</div><!--\[if mso \| IE\]></td></tr></table><!\[endif\]-->",
    re.DOTALL,
)
_DEFAULTS = (
    (' border="0"', ""),  # a table has no border unless it is given one
    ("<!--[if mso | IE]>", "<!--[if mso]>"),  # Internet Explorer reads such comments no longer since 2012
    ('<td align="left" style="font-size:0px;', '<td align="left" style="font-size:0;'),
    ("margin:0px auto;", "margin:0 auto;"),
    ("line-height:0px;font-size:0px;", "line-height:0;font-size:0;"),
    ("direction:ltr;", ""),  # as the page says itself
)
# What MJML itself asks of every table, picture and paragraph. Inlined, it would stand in a hundred places;
# every mail program that needs it reads the style sheet.
_RESET = re.compile(r'<style type="text/css">\s*#outlook a\b.*?</style>', re.DOTALL)


def without_reset(html: str) -> tuple[str, str]:
    """`html` without MJML's own style sheet, and that sheet."""
    found = _RESET.search(html)
    if found is None:
        return html, ""
    return html[: found.start()] + html[found.end() :], found.group()


def with_reset(html: str, reset: str) -> str:
    """`html` with the sheet as the first in its head, so that all others win over it."""
    return html.replace("<head>", f"<head>{reset}", 1)


def minified(html: str) -> str:
    """The same page in fewer bytes. Text, and what stands in the place of Jinja, is not touched."""
    html = _SHEET.sub(lambda match: match[1] + _sheet(match[2]) + match[3], html)
    html = _STYLE.sub(lambda match: f' style="{_declarations(match[1])}"', html)
    html = _BETWEEN.sub("><", _ADJACENT.sub("", html))
    html = _WHOLE_COLUMN.sub(lambda match: match["inside"], html)
    for what, becomes in _DEFAULTS:
        html = html.replace(what, becomes)
    return html


def _declarations(style: str) -> str:
    short = _AROUND.sub(r"\1", style.strip()).rstrip(";")
    return _TWICE.sub(lambda match: ";" if match.group().startswith(";") else "", short)


def _sheet(css: str) -> str:
    return _RULES.sub(r"\1", " ".join(css.split())).replace(";}", "}")
