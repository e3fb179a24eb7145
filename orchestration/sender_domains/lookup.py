"""TXT records by DNS. dnspython is optional: it is imported when the first record is asked for."""

from __future__ import annotations

import socket
from typing import Any, Protocol

from orchestration.errors import SettingsError, SincerelyError

_LIFETIME_SECONDS = 5.0
_PORT = 53


class NoAnswerError(SincerelyError):
    """The DNS did not answer, which says nothing of the record."""


class TextRecords(Protocol):
    """Where a name's TXT records are found."""

    def __call__(self, name: str) -> list[str]:
        """The records, each as one text; none where the name or the type does not exist. Raises NoAnswerError."""
        ...


class Resolver:
    """Asks the system's resolvers, or the one at `server` (host:port)."""

    def __init__(self, server: str = "") -> None:
        try:
            import dns.resolver
        except ImportError as error:
            raise SettingsError(
                "SPF, DKIM and DMARC are not checked: install what looks them up, pip install 'sincerely[dns]'."
            ) from error
        try:
            self._resolver = dns.resolver.Resolver(configure=not server)
            if server:
                host, port = _host_and_port(server)
                self._resolver.nameservers, self._resolver.port = [host], port
        except (dns.resolver.NoResolverConfiguration, ValueError) as error:
            raise SettingsError(
                f"SINCERELY_DNS_SERVER is {server!r}, no address to ask; write it like 192.0.2.53:53."
                if server
                else "This machine names no DNS server; set SINCERELY_DNS_SERVER, like 192.0.2.53:53."
            ) from error
        self._resolver.lifetime = _LIFETIME_SECONDS
        self._known: dict[str, list[str]] = {}

    def __call__(self, name: str) -> list[str]:
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def _ask(self, name: str) -> list[str]:
        import dns.exception
        import dns.resolver

        try:
            answer: Any = self._resolver.resolve(name, "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise NoAnswerError(f"The DNS gave no answer for {name} ({type(error).__name__}); try again.") from error
        # A long text is cut into strings of 255 bytes, which belong together without a space (RFC 7208 §3.3).
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _host_and_port(server: str) -> tuple[str, int]:
    """The address of `192.0.2.53:53`, `[2001:db8::1]:53`, `localhost:53` or a host alone. Raises ValueError."""
    host, port = server, str(_PORT)
    if server.startswith("["):
        host, _, rest = server[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif server.count(":") == 1:
        host, port = server.split(":")
    if not 0 < int(port) < 65_536:
        raise ValueError(port)
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)
        # `localhost` is both; a server of one's own listens at the older more often.
        found.sort(key=lambda each: each[0] != socket.AF_INET)
        return str(found[0][4][0]), int(port)
    except (OSError, UnicodeError) as error:
        raise ValueError(host) from error
