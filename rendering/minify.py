"""Compiled HTML without what no mail program needs: half of what MJML writes says nothing, or says it twice."""

from __future__ import annotations

import re

from rendering.styles import declarations, written

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
    # Of a table it says nothing.
    (' role="presentation" width="100%" style="vertical-align:top">', ' role="presentation" width="100%">'),
    (";cursor:auto;mso-padding-alt:", ";mso-padding-alt:"),
    (";text-decoration:none;text-transform:none;padding:", ";text-decoration:none;padding:"),
)
_CELL = re.compile(
    r'(?P<start><td(?: class="[^"]*")? align="(?P<align>[a-z]+)") style="(?P<cell>[^"(]*)">'
    r'<div style="(?P<text>[^"(]*)">'
)
_BREAKS = "word-break:break-word"
_ARTICLE = re.compile(r'<div (?=[^>]*\brole="article")[^>]*>')
_FONT = ("font-style", "font-weight")
_INHERITED = {"text-align", *_FONT}
_BLOCK = re.compile(
    r'(?P<block><div(?: class="[^"]*")? style=")background-color:(?P<colour>#[0-9a-fA-F]+);(?P<rest>[^"]*">'
    r'<table [^>]*style="background-color:(?P=colour);width:100%)'
)
_OUTLOOK_CLASS = re.compile(r' class="(?P<name>[\w-]+-outlook)"')
_WIDTH_TWICE = re.compile(r'( role="presentation"[^>]* width="(\d+)") style="width:\2px"')
_MOST_REFERENCES = 0.01
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
    html = _BLOCK.sub(lambda match: match["block"] + match["rest"], html)
    html = _WIDTH_TWICE.sub(r"\1", _OUTLOOK_CLASS.sub(lambda match: _if_used(match, html), html))
    return _ascii(_CELL.sub(_cell, _broken_as_a_whole(html)))


def _if_used(match: re.Match[str], html: str) -> str:
    """A class that MJML makes up for Outlook, if a style sheet knows it."""
    return match.group() if f".{match['name']}" in html else ""


def _broken_as_a_whole(html: str) -> str:
    """Long words break in all of the message: said once, it is inherited."""
    article = _ARTICLE.search(html)
    if article is None or _BREAKS not in html:
        return html
    opened = article.group()
    if ' style="' in opened:
        opened = opened.replace(' style="', f' style="{_BREAKS};', 1)
    else:
        opened = opened.replace("<div ", f'<div style="{_BREAKS}" ', 1)
    return html[: article.start()] + opened + html[article.end() :].replace(f";{_BREAKS}", "")


def _cell(match: re.Match[str]) -> str:
    """A cell of text: blanks between its parts are gone, and so is what would hide them; its block is aligned as the
    cell; its letters are told in one declaration."""
    cell, text = declarations(match["cell"]), declarations(match["text"])
    is_of_mjml = "font-family" in text and cell.get("font-size") in ("0", "0px") and not _INHERITED & cell.keys()
    if not is_of_mjml or match["text"].count(":") != len(text):
        return match.group()
    del cell["font-size"]
    if text.get("text-align") == match["align"]:
        del text["text-align"]
    return f"{match['start']}{written(cell)}><div{written(_with_font(text))}>"


def _with_font(text: dict[str, str]) -> dict[str, str]:
    if not {"font-family", "font-size", "line-height"} <= text.keys():
        return text
    size = f"{text['font-size']}/{text['line-height']}"
    font = " ".join([*(text[name] for name in _FONT if name in text), size, text["font-family"]])
    told = (*_FONT, "font-family", "font-size", "line-height")
    return {"font": font, **{name: value for name, value in text.items() if name not in told}}


def _ascii(html: str) -> str:
    """The page with its few other characters as references: where all of a message is ASCII, each of its characters is
    a byte from here to the ESP. A page in another script, or a style sheet that needs them, keeps its own."""
    is_of_latin = len(html.encode()) - len(html) <= len(html) * _MOST_REFERENCES
    if not is_of_latin or not all(sheet.group().isascii() for sheet in _SHEET.finditer(html)):
        return html
    return html.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _declarations(style: str) -> str:
    short = _AROUND.sub(r"\1", style.strip()).rstrip(";")
    return _TWICE.sub(lambda match: ";" if match.group().startswith(";") else "", short)


def _sheet(css: str) -> str:
    return _RULES.sub(r"\1", " ".join(css.split())).replace(";}", "}")
