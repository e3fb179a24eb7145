"""dbt as we call it: its variables, its environment and its manifest."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import SincerelyError, storage_error
from orchestration.locks import exclusive
from orchestration.settings import DBT_PROJECT, Settings

_NOT_SEGMENTS = "segment_"
_PARSE_WAIT_SECONDS = 120.0
_SOURCES = ("*.sql", "*.yml", "*.csv")
# Beside the project, not in the home: a parse says nothing of the data, and every home shares it.
_PARSED = DBT_PROJECT / "target"


def segments() -> list[str]:
    """The names of the segments: one for each file of models/segments/."""
    files = (DBT_PROJECT / "models" / "segments").glob("*.sql")
    return sorted(file.stem for file in files if not file.stem.startswith(_NOT_SEGMENTS))


def project_vars() -> dict[str, Any]:
    """The business numbers of dbt_project.yml, for what SQL cannot do."""
    project: dict[str, Any] = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    return dict(project["vars"])


def variables(as_of: datetime) -> str:
    """dbt's --vars for a build that speaks of `as_of`.

    `project` tells a refresh whether the tables that are there were built by this very project.
    """
    return json.dumps(
        {
            "as_of": as_of.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "segments": segments(),
            "project": project_fingerprint()[:16],
        }
    )


def environment(settings: Settings) -> dict[str, str]:
    """What dbt needs to find its warehouse and to keep its files in the home."""
    return {
        "SINCERELY_WAREHOUSE": str(settings.warehouse),
        "SINCERELY_TARGET": settings.target,
        "SINCERELY_MEMORY_LIMIT": settings.memory_limit,
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
        # A test over several models runs in the step that builds the last of them.
        "DBT_INDIRECT_SELECTION": "buildable",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def build_environment(settings: Settings) -> dict[str, str]:
    """The same for a build: dbt finds the project parsed."""
    return {**environment(settings), "SINCERELY_MANIFEST": str(manifest(settings).with_name("partial_parse.msgpack"))}


def executable() -> str:
    """dbt of this very environment, which does not parse what is parsed (orchestration/dbt_process.py)."""
    return str(Path(sys.executable).with_name("sincerely-dbt"))


def target_path(settings: Settings) -> Path:
    """Where builds put their compiled files; the steps of one run share their parsing there."""
    return settings.home / "dbt" / "target"


def compiled(settings: Settings, manifest: Mapping[str, Any]) -> dict[str, str]:
    """The SQL that the home's builds last made of each model of the manifest, by its unique id."""
    folder = target_path(settings) / "compiled"
    files = {
        unique_id: folder / node["package_name"] / node["original_file_path"]
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    return {unique_id: file.read_text(encoding="utf-8") for unique_id, file in files.items() if file.is_file()}


def manifest(settings: Settings) -> Path:
    """The project's parsed manifest, made anew when a file of the project has changed.

    Raises SincerelyError with dbt's own words when the project does not parse.
    """
    target = _PARSED
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise storage_error(error, target) from error
    with exclusive(target / "manifest.lock", wait_seconds=_PARSE_WAIT_SECONDS):
        path, stamp = target / "manifest.json", target / "manifest.sha256"
        fingerprint = f"{settings.target}:{project_fingerprint()}"
        if not (path.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint):
            _parse(settings, target)
            stamp.write_text(fingerprint, encoding="ascii")
    return path


def _parse(settings: Settings, target: Path) -> None:
    done = subprocess.run(
        [
            executable(), "--log-format", "text", "parse", "--project-dir", str(DBT_PROJECT),
            "--target-path", str(target), "--vars", variables(datetime(1970, 1, 1)),
        ],
        env={**os.environ, **environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise SincerelyError("The dbt project does not parse: " + " ".join(lines[-6:]))


def project_fingerprint() -> str:
    """SHA-256 of the project's files: another one may build other tables."""
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(DBT_PROJECT.rglob(pattern)):
            if path.is_relative_to(_PARSED):
                continue
            digest.update(str(path.relative_to(DBT_PROJECT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
