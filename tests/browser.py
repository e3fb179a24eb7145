"""A real Chromium for pages that people open."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


# Not for the session: while Playwright runs, nothing else in its process can run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The browser of this machine. Without one the test is skipped, but on a build server it fails."""
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if program is None:
        reason = f"there is no {' or '.join(_NAMES)} on this machine"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


class Opened:
    """A page that was opened from disk without a network, and what went wrong in it."""

    def __init__(self, browser: Any, file: Path, address: str = "", *, width: int = 1440, **context: Any) -> None:
        self._context = browser.new_context(viewport={"width": width, "height": 900}, **context)
        self._context.set_offline(True)
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("dialog", lambda dialog: (self.errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri() + address)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def go(self, address: str) -> None:
        """To another place of the same page."""
        self.page.evaluate("address => { location.hash = address }", address)

    def framed(self) -> None:
        """Waits until every message that is shown in a frame is there and has its size."""
        self.page.wait_for_function(
            """() => [...document.querySelectorAll("iframe[srcdoc]")].every(each =>
                each.contentDocument && each.contentDocument.readyState === "complete"
                && each.contentDocument.body.childElementCount > 0 && each.parentElement.style.height !== "")"""
        )
