"""Segments as their files say them: the query, and the YAML beside it with owner, purpose and freshness."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration import dbt
from orchestration.errors import SincerelyError
from orchestration.segments import soundness
from orchestration.settings import DBT_PROJECT, PROJECT_ROOT

NOT_FOR_MAILING = "not_for_mailing"
FOLDER = DBT_PROJECT / soundness.FOLDER


class SegmentError(SincerelyError):
    """There is no such segment, or it cannot be made or explained."""


@dataclass(frozen=True)
class Definition:
    """One segment. What its YAML does not say is empty; `yaml_file` and `line` are where it is, or should be, said."""

    name: str
    file: Path
    yaml_file: Path
    line: int = 1
    description: str = ""
    owner: str = ""
    purpose: str = ""
    freshness_hours: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def is_for_mailing(self) -> bool:
        return NOT_FOR_MAILING not in self.tags


def definitions() -> dict[str, Definition]:
    """Every segment by its name. A YAML file that cannot be read says nothing here; lint says what is wrong with it."""
    files = {file.stem: file for file in FOLDER.rglob("*.sql")}
    said = {name: (file, entry) for file in yaml_files() for name, entry in _entries(file)}
    return {name: _definition(name, files[name], *said.get(name, (None, {}))) for name in dbt.segments()}


def definition(name: str) -> Definition:
    """The segment of that name; SegmentError names the nearest when there is none."""
    known = definitions()
    if name not in known:
        raise SegmentError(f"There is no segment {name}.{did_you_mean(name, known)} `sincerely segment list` has all.")
    return known[name]


def not_for_mailing() -> set[str]:
    """The segments that no campaign may use."""
    return {name for name, each in definitions().items() if not each.is_for_mailing}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest of `known`, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def shown(file: Path) -> str:
    """The file as a person in the checkout knows it."""
    return str(file.relative_to(PROJECT_ROOT)) if file.is_relative_to(PROJECT_ROOT) else str(file)


def yaml_files() -> list[Path]:
    return sorted([*FOLDER.rglob("*.yml"), *FOLDER.rglob("*.yaml")])


def _entries(file: Path) -> list[tuple[str, dict[str, Any]]]:
    """The models that a YAML file describes, each with its line as `line`."""
    try:
        text = file.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    models = content.get("models") if isinstance(content, dict) else None
    named = [model for model in models or [] if isinstance(model, dict) and isinstance(model.get("name"), str)]
    return [(model["name"], {**model, "line": _line(text, model["name"])}) for model in named]


def _line(text: str, name: str) -> int:
    lines = (number for number, line in enumerate(text.splitlines(), 1) if f"name: {name}" in line)
    return next(lines, 1)


def _definition(name: str, file: Path, yaml_file: Path | None, entry: dict[str, Any]) -> Definition:
    config: dict[str, Any] = entry.get("config") or {}
    meta = {**(entry.get("meta") or {}), **(config.get("meta") or {})}
    tags = [tag for each in (entry.get("tags"), config.get("tags")) for tag in _listed(each)]
    freshness = meta.get("freshness_hours")
    return Definition(
        name=name,
        file=file,
        yaml_file=yaml_file or file.with_suffix(".yml"),
        line=int(entry.get("line", 1)),
        description=" ".join(str(entry.get("description") or "").split()),
        owner=str(meta.get("owner") or ""),
        purpose=str(meta.get("purpose") or ""),
        freshness_hours=freshness if isinstance(freshness, int) else None,
        tags=tuple(dict.fromkeys(tags)),
    )


def _listed(tags: Any) -> list[str]:
    return [str(each) for each in tags] if isinstance(tags, list) else [str(tags)] if tags else []
