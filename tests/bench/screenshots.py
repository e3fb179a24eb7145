"""The README's pictures of the gallery: `SINCERELY_HOME=… python -m tests.bench.screenshots` on the demo's home.

Writes `.github/preview-*.png`: a campaign at one look, one message at both widths, and why its reader sees it.
"""

from __future__ import annotations

import shutil
from typing import Any

from playwright.sync_api import sync_playwright

from orchestration.previewing import preview, versions
from orchestration.settings import PROJECT_ROOT, load_settings
from rendering.preview.gallery import Section

_CAMPAIGN = "loyalty_reward"
_RULE = "new_york_regular_who_looked"


def main() -> None:
    """Takes each picture from a gallery that was just written."""
    written = preview.write(load_settings(), people=preview.DEFAULT_PEOPLE, against=versions.NONE)
    section = next(section for section in written.sections if section.name == _CAMPAIGN)
    person = _of_rule(section, _RULE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, tab, theme in (
            ("campaign", "", "light"),
            ("message", "message", "light"),
            ("why", "why", "dark"),
        ):
            page = browser.new_page(viewport={"width": 1360, "height": 850}, color_scheme=theme)
            place = f"/{person}/default/{tab}" if tab else ""
            page.goto(f"{written.path.as_uri()}#/{_CAMPAIGN}{place}")
            _wait(page)
            target = PROJECT_ROOT / ".github" / f"preview-{name}.png"
            page.screenshot(path=target)
            print(f"{target.relative_to(PROJECT_ROOT)}: {target.stat().st_size / 1024:.0f} KB")
        browser.close()


def _of_rule(section: Section, rule: str) -> str:
    """The first person who gets the message by that rule and has a name, else the first of all."""
    named = {person.person_id for person in section.people if person.first_name and person.standing == "gets it"}
    found = [
        message.person_id
        for message in section.messages
        if message.person_id in named
        and any(each.name == rule and each.state == "won" for slot in message.slots for each in slot.rules)
    ]
    return found[0] if found else section.people[0].person_id


def _wait(page: Any) -> None:
    page.wait_for_function(
        """() => {
            const frames = [...document.querySelectorAll("iframe[srcdoc]")]
            const isThere = each => each.contentDocument && each.contentDocument.body.childElementCount > 0
            const isSized = each => each.parentElement.style.height !== ""
            return document.querySelector("h1") && frames.every(each => isThere(each) && isSized(each))
        }"""
    )


if __name__ == "__main__":
    main()
