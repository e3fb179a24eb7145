"""What connectors take from the environment, and what they keep dlt from doing there."""

from __future__ import annotations

import os
from pathlib import Path

from orchestration.connectors.streams import RestResource, SqlTable, Stream
from orchestration.errors import ConnectorError


def variable(name: str) -> str:
    """The value of a variable that `sources.toml` names. Raises ConnectorError when it is not set."""
    value = os.environ.get(name, "")
    if not value:
        raise ConnectorError(f"the environment variable {name} is not set; set it, and run again")
    return value


def secrets(stream: Stream) -> list[str]:
    """Every text that no message may repeat, the longest first."""
    names = [stream.origin.url_env] if isinstance(stream.origin, SqlTable) else []
    if isinstance(stream.origin, RestResource):
        names = [value for name, value in stream.origin.auth.items() if name.endswith("_env")]
    values = [os.environ[name] for name in names if os.environ.get(name)]
    passwords = [value.partition("://")[2].rpartition("@")[0].partition(":")[2] for value in values]
    return sorted({value for value in values + passwords if value}, key=len, reverse=True)


def keep_dlt_at_home(home: Path) -> None:
    """dlt neither phones out nor reads or writes outside the home. To be called before it is imported."""
    folder = home / "connectors" / ".dlt"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    for name in ("DLT_DATA_DIR", "DLT_PROJECT_DIR", "DLT_LOCAL_DIR"):
        os.environ[name] = str(folder)
