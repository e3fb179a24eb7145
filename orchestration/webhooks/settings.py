"""`webhooks.toml` of the home: which changes of segments are pushed where, checked before anything connects.

```toml
[[webhook]]
name = "crm"
url = "https://crm.example.com/hooks"       # http:// only on this machine
segments = ["highly_engaged", "at_risk"]    # or "all"
secret_env = "CRM_WEBHOOK_SECRET"           # the variable that holds whsec_…; never the secret itself
# From here on, what is left out:
changes = ["entered", "exited"]
include = []                                # ["email"] sends the address too
since = "now"                               # what changes after the first run; "beginning" replays all
timeout_seconds = 15
max_attempts = 12                           # within three days
connections = 8                             # requests at the same time, of different people
```
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestration import dbt
from orchestration.connectors.section import Section
from orchestration.errors import SettingsError
from rendering.located import did_you_mean

FILE = "webhooks.toml"
CHANGES = ("entered", "exited")
INCLUDABLE = ("email",)
STARTS = ("now", "beginning")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_FIELDS = (
    "name", "url", "segments", "changes", "secret_env", "include", "since",
    "timeout_seconds", "max_attempts", "connections",
)  # fmt: skip
# The least, the default and the most of each number.
_TIMEOUT_SECONDS = (0.1, 15.0, 120.0)
_MAX_ATTEMPTS = (1, 12, 50)
_CONNECTIONS = (1, 8, 64)


@dataclass(frozen=True)
class Webhook:
    """One receiver, and which changes it is told. `segments` is empty where it follows all of them."""

    name: str
    url: str
    secret_env: str
    segments: tuple[str, ...] = ()
    changes: tuple[str, ...] = CHANGES
    include: tuple[str, ...] = ()
    since: str = "now"
    timeout_seconds: float = 15.0
    max_attempts: int = 12
    connections: int = 8

    @property
    def host(self) -> str:
        """Where it goes, without the path: that may hold a key."""
        return urlsplit(self.url).netloc


def load_webhooks(home: Path) -> list[Webhook]:
    """Every webhook of the home's `webhooks.toml`, in its order; none when there is no such file.

    Raises SettingsError that names the file, the table and the field, and says what to write.
    """
    path = home / FILE
    if not path.exists():
        return []
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}. Correct that line.") from error
    for key in content:
        if key != "webhook":
            raise SettingsError(f"{path}: '{key}' is not known there; each webhook is a table [[webhook]].")
    tables = content.get("webhook", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: webhook is one table; write it as [[webhook]], once for each receiver.")
    webhooks = [_webhook(path, number, table) for number, table in enumerate(tables, 1)]
    names = [webhook.name for webhook in webhooks]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{path}: two tables have the name '{name}'; give one of them another.")
    return webhooks


def webhook_named(webhooks: Sequence[Webhook], name: str) -> Webhook:
    """The webhook of that name. Raises SettingsError with the nearest one when there is none."""
    for webhook in webhooks:
        if webhook.name == name:
            return webhook
    names = tuple(webhook.name for webhook in webhooks)
    known = f"there are {', '.join(names)}" if names else f"{FILE} of the home names none"
    raise SettingsError(f"There is no webhook '{name}'; {known}.{did_you_mean(name, names)}")


def _webhook(path: Path, number: int, values: dict[str, Any]) -> Webhook:
    named = f" ({values['name']})" if isinstance(values.get("name"), str) else ""
    section = Section(f"{path}: [[webhook]] {number}{named}:", values)
    if "secret" in values:
        raise section.error(
            "secret has no place in this file",
            'put it into an environment variable and write its name, as in secret_env = "CRM_WEBHOOK_SECRET"',
        )
    for key in values:
        if key not in _FIELDS:
            raise _unknown(section, f"has the unknown field '{key}'", key, _FIELDS)
    name = section.text("name", example="crm")
    if not _NAME.fullmatch(name):
        raise section.error(f"name is '{name}'", "use small letters, digits and underscores, as in crm_production")
    return Webhook(
        name=name,
        url=_url(section),
        secret_env=section.variable("secret_env", "CRM_WEBHOOK_SECRET"),
        segments=_segments(section),
        changes=_some_of(section, "changes", CHANGES, CHANGES),
        include=_some_of(section, "include", INCLUDABLE, ()),
        since=_since(section),
        timeout_seconds=_within(section, "timeout_seconds", _TIMEOUT_SECONDS),
        max_attempts=_whole(section, "max_attempts", _MAX_ATTEMPTS),
        connections=_whole(section, "connections", _CONNECTIONS),
    )


def _url(section: Section) -> str:
    url = section.text("url", example="https://crm.example.com/hooks/sincerely")
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise section.error("url is not an address", "write it like https://crm.example.com/hooks") from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not has_port
        or not (url.isascii() and url.isprintable())
        or " " in url
    ):
        raise section.error("url is not an address", "write it like https://crm.example.com/hooks")
    # The address is not repeated: it may hold a secret.
    if parts.username is not None or parts.password is not None:
        raise section.error("url holds a user or a password", "take it out; the receiver knows us by the signature")
    if parts.fragment:
        raise section.error("url ends with a fragment", "leave out what begins with #; it is never sent")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise section.error("url is not encrypted", "write https://; http:// is for this machine alone")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _segments(section: Section) -> tuple[str, ...]:
    known = tuple(dbt.segments())
    value = section.anything("segments")
    if value is None:
        raise section.error("lacks segments", 'write segments = "all", or name them: segments = ["highly_engaged"]')
    if value == "all":
        return ()
    if isinstance(value, str):
        raise section.error(f"segments is '{value}'", f'write "all", or a list: segments = ["{value}"]')
    return _some_of(section, "segments", known, ())


def _since(section: Section) -> str:
    return section.choice("since", STARTS) if section.has("since") else STARTS[0]


def _some_of(section: Section, field: str, known: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    """The list of texts in `field`, each of `known`, none twice."""
    if not section.has(field):
        return default
    values = section.anything(field)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise section.error(f"{field} is no list of texts", f'write it like {field} = ["{known[0]}"]')
    for value in values:
        if value not in known:
            raise _unknown(section, f"{field} names '{value}', which there is not", value, known)
    return tuple(dict.fromkeys(values))


def _within(section: Section, field: str, bounds: tuple[float, float, float]) -> float:
    least, default, most = bounds
    value = section.number(field, default)
    if not least <= value <= most:
        raise section.error(f"{field} is {value:g}", f"write a number from {least:g} to {most:g}")
    return value


def _whole(section: Section, field: str, bounds: tuple[int, int, int]) -> int:
    value = _within(section, field, bounds)
    if value != int(value):
        raise section.error(f"{field} is {value:g}", "write a whole number")
    return int(value)


def _unknown(section: Section, what: str, word: str, known: tuple[str, ...]) -> SettingsError:
    return SettingsError(f"{section.error(what, 'use ' + ', '.join(known))}{did_you_mean(word, known)}")
