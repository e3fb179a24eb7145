"""dbt as we call it: its variables, its environment and its manifest."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import SincerelyError, storage_error
from orchestration.locks import exclusive
from orchestration.segments import shadow, soundness
from orchestration.settings import DBT_PROJECT, Settings
from orchestration.warehouse import Warehouse

_INSTANT = "%Y-%m-%d %H:%M:%S.%f"
_PARSE_WAIT_SECONDS = 120.0
_SOURCES = ("*.sql", "*.yml", "*.csv")
# Beside the project, not in the home: a parse says nothing of the data, and every home shares it.
_PARSED = DBT_PROJECT / "target"


@dataclass(frozen=True)
class Project:
    """The dbt project as far as it parses: `broken` are segments that are left out, each with the reason."""

    folder: Path
    manifest: Path
    broken: Mapping[str, str]


def segments() -> list[str]:
    """The names of the segments: one for each file of models/segments/."""
    files = (DBT_PROJECT / "models" / "segments").rglob("*.sql")
    return sorted({file.stem for file in files if not file.stem.startswith(soundness.OWN_PREFIX)})


def project_vars() -> dict[str, Any]:
    """The business numbers of dbt_project.yml, for what SQL cannot do."""
    project: dict[str, Any] = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    return dict(project["vars"])


def variables(
    as_of: datetime,
    failed: Mapping[str, str] | None = None,
    known_at: datetime | None = None,
    *,
    is_in_haste: bool = False,
    is_partial: bool = False,
    **more: Any,
) -> str:
    """dbt's --vars for a build that speaks of `as_of`, in UTC, and cannot refresh the `failed` segments.

    With `known_at` it speaks from the rows that had landed by then. `project` tells a refresh whether the tables that
    are there were built by this very project; in haste, only what a refresh wrote is tested; a partial one leaves what
    only time has changed to the next. `more` are vars that differ from those of dbt_project.yml.
    """
    failed = failed or {}
    # Hashes that a table keeps are those of one version of DuckDB.
    made_by = [version("duckdb"), project_fingerprint(), more]
    given: dict[str, Any] = {
        "as_of": as_of.strftime(_INSTANT),
        "segments": [name for name in segments() if name not in failed],
        "failed_segments": dict(sorted(failed.items())),
        "project": hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:16],
        "only_news_is_tested": is_in_haste,
        "is_partial": is_partial,
        **more,
    }
    if known_at is not None:
        given["known_at"] = known_at.strftime(_INSTANT)
    return json.dumps(given)


def environment(settings: Settings) -> dict[str, str]:
    """What dbt needs to find its warehouse and to keep its files in the home."""
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    return {
        "SINCERELY_WAREHOUSE": str(settings.warehouse),
        "SINCERELY_TARGET": settings.target,
        "SINCERELY_MEMORY_LIMIT": settings.memory_limit,
        "SINCERELY_MEMORY_LIMIT_IN_HASTE": warehouse.memory_in_haste(),
        # DuckDB works on all cores for each statement: a second one beside it saves dbt's own time, and costs memory.
        "SINCERELY_THREADS": "1" if warehouse.fills_memory() else "2",
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
        # Two lines for every statement cost a sixteenth of a build; what was run is in target/.
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        # A test over several models runs in the step that builds the last of them.
        "DBT_INDIRECT_SELECTION": "buildable",
        "SINCERELY_MANIFEST": "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def build_environment(settings: Settings) -> dict[str, str]:
    """The same for a build: dbt finds the project parsed, and DuckDB keeps its memory."""
    return {
        **environment(settings),
        "SINCERELY_MANIFEST": str(manifest(settings).with_name("partial_parse.msgpack")),
        # DuckDB's allocator, jemalloc: memory that one statement gave back serves the next, whichever thread it was
        # of; asked of the system anew, it takes a twelfth of a refresh. SINCERELY_MEMORY_LIMIT bounds it as before.
        "DUCKDB_JE_MALLOC_CONF": f"dirty_decay_ms:-1,muzzy_decay_ms:-1,narenas:{max(1, (os.cpu_count() or 1) // 2)}",
    }


def executable() -> str:
    """dbt of this very environment, which does not parse what is parsed (orchestration/dbt_process.py)."""
    return str(Path(sys.executable).with_name("sincerely-dbt"))


def target_path(settings: Settings) -> Path:
    """Where builds put their compiled files; the steps of one run share their parsing there."""
    return settings.home / "dbt" / "target"


def compiled_file(settings: Settings, file: Path) -> Path:
    """Where the home's builds put what they make of a model's file, which is named from the project's folder on."""
    name = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["name"]
    return target_path(settings) / "compiled" / str(name) / file


def build_command(*, is_in_haste: bool = False, is_partial: bool = False) -> list[str]:
    """A build of the data; unit tests are for those who change models.

    A partial one comes between two that test all columns: it runs the tests that hold sending back, and no seeds, for
    the project has not changed. Both kinds make little, whatever the warehouse holds.
    """
    command = ["build", "--exclude-resource-type", "unit_test"]
    if is_in_haste or is_partial:
        command += ["--threads", "2"]
    # One word for both: Dagster puts what a definition leaves out beside it.
    return [*command, "--exclude", "test_type:generic resource_type:seed"] if is_partial else command


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
    """The manifest of `project(settings)`."""
    return project(settings).manifest


def project(settings: Settings) -> Project:
    """The project, parsed anew when a file of it has changed; a segment that does not parse is left out.

    Raises SincerelyError with dbt's own words when the rest does not parse either.
    """
    target = _PARSED
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise storage_error(error, target) from error
    with exclusive(target / "manifest.lock", wait_seconds=_PARSE_WAIT_SECONDS):
        stamp, fingerprint = target / "parsed.json", f"{settings.target} {DBT_PROJECT} {project_fingerprint()}"
        parsed = json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else {}
        if parsed.get("fingerprint") != fingerprint or not Path(parsed["manifest"]).exists():
            found = _parse_what_can_be(settings, target)
            parsed = {
                "fingerprint": fingerprint,
                "folder": str(found.folder),
                "manifest": str(found.manifest),
                "broken": dict(found.broken),
            }
            stamp.write_text(json.dumps(parsed), encoding="utf-8")
    return Project(Path(parsed["folder"]), Path(parsed["manifest"]), parsed["broken"])


def _parse_what_can_be(settings: Settings, target: Path) -> Project:
    names, folder, into = segments(), DBT_PROJECT, target
    broken = soundness.misnamed(names)
    while True:
        if broken:
            folder = shadow.without(DBT_PROJECT, broken, target / "without")
            into = folder / "target"
        words = _parse(settings, folder, into, broken)
        path = into / "manifest.json"
        if words:
            found = soundness.named_in(words, names)
        else:
            sound = [name for name in names if name not in broken]
            found = soundness.unbuildable(json.loads(path.read_text(encoding="utf-8")), sound)
        new = {name: why for name, why in found.items() if name not in broken}
        if words and not new:
            raise SincerelyError(" ".join(["The dbt project does not parse:", soundness.told(words), *broken.values()]))
        if not new:
            return Project(folder, path, broken)
        broken |= new


def _parse(settings: Settings, folder: Path, target: Path, broken: Mapping[str, str]) -> str:
    """What dbt has to say against the project; nothing when it parses."""
    done = subprocess.run(
        [
            executable(), "--log-format", "text", "--no-use-colors", "parse", "--project-dir", str(folder),
            # The same vars each time, so that dbt parses anew only what has changed.
            "--target-path", str(target), "--vars", variables(datetime(1970, 1, 1), broken, project=""),
        ],
        env={**os.environ, **environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout


def project_fingerprint() -> str:
    """SHA-256 of the project's files: another one may build other tables."""
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(DBT_PROJECT.rglob(pattern)):
            if not path.is_relative_to(_PARSED):
                digest.update(str(path.relative_to(DBT_PROJECT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
