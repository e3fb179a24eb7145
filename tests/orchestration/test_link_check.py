"""Links are asked over HTTP: what is gone is named with its file and line, and nobody's message id is sent along."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from orchestration.delivery.link_check import link_findings
from rendering.campaign import CAMPAIGNS, load_campaign

ONBOARDING = load_campaign(CAMPAIGNS / "onboarding")


class _Server(ThreadingHTTPServer):
    """Whose threads end with it: what one of them said later, another test would hear."""

    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: clients hang up here."""


class Shop(httpx.BaseTransport):
    """A shop on the loopback that is asked in the place of every host; `answers` maps a path to a status."""

    def __init__(self, answers: dict[str, int], refuses_head: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(405 if refuses_head else None)

            def do_GET(self) -> None:
                self._answer(None)

            def _answer(self, status: int | None) -> None:
                shop.asked.append((self.command, self.path))
                self.send_response(status or answers.get(self.path.partition("?")[0], 200))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.server.server_port)
        return self._real.handle_request(httpx.Request(request.method, url))

    def stop(self) -> None:
        self._real.close()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def open_shop() -> Iterator:
    shops: list[Shop] = []

    def opened(answers: dict[str, int] | None = None, **kind: bool) -> Shop:
        shops.append(Shop(answers or {}, **kind))
        return shops[-1]

    yield opened
    for shop in shops:
        shop.stop()


def test_links_that_answer_are_no_findings_and_name_no_message(open_shop) -> None:
    shop = open_shop()

    assert link_findings([ONBOARDING], shop) == []
    assert {method for method, _ in shop.asked} == {"HEAD"}
    assert any(path.startswith("/start?utm_source=") for _, path in shop.asked)
    assert not any("m=" in path.replace("utm_medium=", "").replace("utm_campaign=", "") for _, path in shop.asked)


def test_a_page_that_is_gone_is_named_with_its_file_and_line(open_shop) -> None:
    found = link_findings([ONBOARDING], open_shop({"/start": 404}))

    assert [(each.file.name, each.severity) for each in found] == [("hero_welcome.mjml.j2", "error")]
    assert "/start" in found[0].message and "answers 404; correct the address" in found[0].message
    assert "hero_path" in found[0].file.read_text().splitlines()[found[0].line - 1]


def test_a_server_that_refuses_head_is_asked_for_the_page(open_shop) -> None:
    shop = open_shop(refuses_head=True)

    assert link_findings([ONBOARDING], shop) == []
    assert {method for method, _ in shop.asked} == {"HEAD", "GET"}


def test_a_server_that_is_not_there_is_named(open_shop) -> None:
    shop = open_shop()
    shop.stop()

    found = link_findings([ONBOARDING], shop)

    assert found and all("cannot be reached" in each.message for each in found)
