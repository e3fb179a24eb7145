"""A new segment: a query that works and a YAML with a test of its edges, for an analyst to change."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

from orchestration.errors import storage_error
from orchestration.segments import soundness
from orchestration.segments.definitions import FOLDER, SegmentError, shown
from orchestration.segments.linting import PURPOSE_TO_BE_SAID
from orchestration.settings import DBT_PROJECT

_TEMPLATES = Path(__file__).parent / "templates"


def create(name: str, owner: str | None, purpose: str | None) -> list[Path]:
    """Writes the two files; SegmentError when the name cannot be used or is taken."""
    if not soundness.NAME.fullmatch(name):
        raise SegmentError(
            f"{name!r} cannot be a segment's name: it becomes a table's, so use small letters, digits and _, "
            "and begin with a letter, as in sweet_tooth."
        )
    if name.startswith(soundness.OWN_PREFIX):
        raise SegmentError(
            f"A segment's name may not begin with {soundness.OWN_PREFIX}: the tables made of all segments do."
        )
    for taken in _taken(name):
        raise SegmentError(f"The name {name} is taken by {shown(taken)}; choose another one.")
    values = {"NAME": name, "OWNER": json.dumps(owner or _user()), "PURPOSE": json.dumps(purpose or PURPOSE_TO_BE_SAID)}
    files = []
    for template in ("segment.sql", "segment.yml"):
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(f"<{key}>", value)
        path = FOLDER / f"{name}{Path(template).suffix}"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError as error:
            raise SegmentError(f"{shown(path)} is there already; choose another name.") from error
        except OSError as error:
            raise storage_error(error, path) from error
        files.append(path)
    return files


def _taken(name: str) -> list[Path]:
    """The files of the project that make a table of that name, or would describe it."""
    folders = ("models", "seeds", "snapshots")
    found = [path for folder in folders for path in sorted((DBT_PROJECT / folder).rglob(f"{name}.*"))]
    return [path for path in found if path.suffix in (".sql", ".csv", ".py", ".yml", ".yaml")]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "nobody yet"
