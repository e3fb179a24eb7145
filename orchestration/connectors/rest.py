"""A list of an HTTP API, read page by page through dlt's REST source.

dlt's client tries again after 429 and 5xx, a lost connection or a body that breaks off, and waits as long as the
server's Retry-After says (seconds or a date, at most five minutes at a time), else twice as long each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.connectors.environment import variable
from orchestration.connectors.positions import Position
from orchestration.connectors.streams import RestResource

_LONGEST_WAIT_SECONDS = 300
# Our names for what dlt's ways of signing in need.
_SECRETS = {"token_env": "token", "api_key_env": "api_key", "password_env": "password"}


def read(origin: RestResource, position: Position | None) -> Iterator[Mapping[str, Any]]:
    """Every record from the position's start on, as the API gives them; all without a position."""
    from dlt.sources.rest_api import rest_api_resources

    configuration: Any = {"client": _client(origin), "resources": [_endpoint(origin, position)]}
    (resource,) = rest_api_resources(configuration)
    yield from resource


def _client(origin: RestResource) -> dict[str, Any]:
    from dlt.sources.helpers.requests import Client

    client = Client(
        request_timeout=origin.timeout_seconds,
        raise_for_status=False,
        request_max_attempts=origin.attempts,
        request_max_retry_delay=_LONGEST_WAIT_SECONDS,
    )
    settings: dict[str, Any] = {
        "base_url": origin.base_url,
        "headers": dict(origin.headers),
        "session": client.session,
    }
    if origin.auth:
        settings["auth"] = {
            _SECRETS.get(name, name): variable(value) if name in _SECRETS else value
            for name, value in origin.auth.items()
        }
    return settings


def _endpoint(origin: RestResource, position: Position | None) -> dict[str, Any]:
    endpoint: dict[str, Any] = {
        "path": origin.path,
        "params": dict(origin.params),
        "paginator": dict(origin.paginator),
    }
    if origin.records:
        endpoint["data_selector"] = origin.records
    if position is not None:
        endpoint["incremental"] = {
            "cursor_path": position.cursor.column,
            "initial_value": position.start,
            "primary_key": [],
            "on_cursor_value_missing": "include",
            **({"start_param": position.cursor.param} if position.cursor.param else {}),
        }
    return {"name": "records", "endpoint": endpoint}
