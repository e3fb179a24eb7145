"""What is wrong with the markup of a template: pictures, links, and values in odd places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rendering.mjml import Joined

_ELEMENT = re.compile(r"<(?P<name>[A-Za-z][\w-]*)(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>")
_ATTRIBUTE = re.compile(r"(?P<name>[\w-]+)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')")
_VALUE = re.compile(r"jinja-(\d+)-x")
_OUR_LINKS = ("unsubscribe_url", "preferences_url", "hidden_url")


def problems(joined: Joined) -> Iterator[tuple[Path, int, str]]:
    """File, line and message of each problem."""
    for element in _ELEMENT.finditer(joined.text):
        file, line = joined.at(element.start())
        found = _ATTRIBUTE.finditer(element["rest"])
        attributes = {each["name"].lower(): each["double"] or each["single"] or "" for each in found}
        name = element["name"].lower()
        if name in ("img", "mj-image"):
            for needed in ("alt", "width"):
                if needed not in attributes:
                    yield file, line, f"<{name}> has no {needed}; add it."
            if name == "img" and "height" not in attributes and "height" not in attributes.get("style", ""):
                yield file, line, "<img> has no height; add it, or height:auto to its style."
        for attribute in ("href", "src"):
            if attribute in attributes:
                yield from ((file, line, m) for m in _address(joined, attribute, attributes[attribute]))
        for attribute, value in attributes.items():
            if attribute.startswith("on") or (attribute == "style" and _unsafe_in_style(joined, value)):
                yield file, line, f"a value may not stand in {attribute}; only | tile_colour may, in a style."


def _address(joined: Joined, attribute: str, value: str) -> Iterator[str]:
    match = _VALUE.fullmatch(value)
    if match:
        source = joined.pieces[int(match[1])].text
        wanted = "link" if attribute == "href" else "picture"
        ends_well = re.search(rf"\|\s*{wanted}\s*[-+]?\}}\}}$", source)
        if not ends_well and not any(name in source for name in _OUR_LINKS):
            yield f'{attribute}="{source}" must end with | {wanted}, which lets only web addresses through.'
        if "http://" in source:
            yield f"{source} is not https."
    elif _VALUE.search(value):
        yield f'{attribute} must be one value, with | link: {{{{ ("https://…" ~ x) | link }}}}.'
    elif not value.strip() or value.strip() == "#":
        yield f"{attribute}=\"{value}\" leads nowhere; write https://…, or {{{{ '/path' | link }}}}."
    elif value.startswith("http:"):
        yield f"{value} is not https; mail programs warn of it."
    elif value and not value.startswith(("https://", "mailto:", "tel:", "#")):
        yield f"{value} is no full address; write https://…, or {{{{ '{value}' | link }}}}."


def _unsafe_in_style(joined: Joined, value: str) -> bool:
    sources = (joined.pieces[int(number)].text for number in _VALUE.findall(value))
    return any(not re.search(r"\|\s*tile_colour\s*[-+]?\}\}$", source) for source in sources)
