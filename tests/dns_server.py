"""A real DNS server on the loopback, over UDP, for as long as a test runs: it holds TXT records and may misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest


class DnsServer:
    """Answers for `records` (name to texts). It is silent about the names in `silent`, and fails for `failing`."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.silent: set[str] = set()
        self.failing: set[str] = set()
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        """Ends the serving: a closed socket wakes nobody on Linux, a datagram does."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, client = self._socket.recvfrom(65_535)
            if not wire:
                return
            query = dns.message.from_wire(wire)
            (question,) = query.question
            name = question.name.to_text(omit_final_dot=True).lower()
            self.asked.append(name)
            if name in self.silent:
                continue
            self._socket.sendto(self._answer(query, name, question.rdtype).to_wire(max_size=65_535), client)

    def _answer(self, query: dns.message.Message, name: str, kind: int) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif kind == dns.rdatatype.TXT:
            quoted = [
                " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200)) for text in self.records[name]
            ]
            answer.answer.append(dns.rrset.from_text(dns.name.from_text(name), 300, "IN", "TXT", *quoted))
        return answer


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    server = DnsServer()
    yield server
    server.close()
