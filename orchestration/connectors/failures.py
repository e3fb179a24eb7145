"""What another library's error means to the person who runs the sync, without any secret in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from orchestration.connectors.environment import secrets
from orchestration.connectors.streams import Stream
from orchestration.errors import ConnectorError, is_disk_full

_LONGEST = 300
# A database quotes values that it cannot use.
_ADDRESS = re.compile(r"[^\s'\"@()]+@[^\s'\"@()]+\.[^\s'\"@()]+")


def sentence(stream: Stream, error: BaseException) -> str:
    """One sentence: which stream, what went wrong, and what to do."""
    text = f"{stream.label}: {_words(error)}"
    for secret in secrets(stream):
        text = text.replace(secret, "***")
    text = _ADDRESS.sub("***", text)
    return text.rstrip(". ") + "."


def _words(error: BaseException) -> str:
    causes = list(_causes(error))
    if any(is_disk_full(str(cause)) for cause in causes):
        return "the disk is full; free some space, then run again"
    for cause in causes:
        if isinstance(cause, ConnectorError):
            return str(cause)
    for cause in causes:
        words = _http_words(cause) or _database_words(cause)
        if words:
            return words
    deepest = causes[-1]
    # What follows a brace may be a row.
    first_line = _first_line(str(deepest).partition("{")[0])
    return f"{type(deepest).__name__} ({first_line}); check this connector in sources.toml"


def _first_line(text: object) -> str:
    return next(iter(str(text).strip().splitlines()), "")[:_LONGEST].rstrip(". `")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _http_words(error: BaseException) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        response = error.response
        # Only the path: a query may carry a key.
        where = urlsplit(response.url)
        remedy = {
            401: "check the token that auth names",
            403: "check what the token may read",
            404: "check base_url and path",
            429: "it throttles for longer than we wait; sync less often, or raise attempts",
        }.get(response.status_code, "nothing of this sync was kept that is not whole; run again when it answers")
        return f"{where.hostname}{where.path} answered {response.status_code} {response.reason}; {remedy}"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time; run again, or raise timeout_seconds"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "the server cannot be reached, or broke off; check base_url and the network, then run again"
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return "the server's answer is no JSON; check base_url and path"
    return ""


def _database_words(error: BaseException) -> str:
    import sqlalchemy.exc as sa

    if isinstance(error, sa.NoSuchTableError):
        return "there is no such table; check table and schema in sources.toml"
    if isinstance(error, sa.ArgumentError | sa.NoSuchModuleError):
        # Its words may hold the URL in pieces.
        return "the URL is not one that SQLAlchemy knows; write it like postgresql://user:password@host:5432/database"
    if isinstance(error, sa.DBAPIError):
        return f"the database said '{_first_line(error.orig)}'; mend that, and run again"
    if isinstance(error, KeyError) and "Cursor column" in str(error):
        return "the cursor's column does not exist there; check cursor in sources.toml"
    if isinstance(error, ModuleNotFoundError):
        return f"the driver {error.name} is not installed; install it beside Sincerely"
    return ""
