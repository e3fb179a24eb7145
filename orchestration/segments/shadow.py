"""The dbt project without some segments' files: links to all the others, so that those can be built."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

# What dbt and others write beside the project's own files.
_NOT_OF_THE_PROJECT = {"target", "logs", ".user.yml"}
_SEGMENTS = ("models", "segments")


def without(project: Path, left_out: Collection[str], into: Path) -> Path:
    """A folder in `into` that is the project but for the segments (or YAML files) of these names.

    The folders are real and the files are links, for dbt does not look into linked folders.
    """
    files = sorted(
        path.relative_to(project)
        for top in project.iterdir()
        if top.name not in _NOT_OF_THE_PROJECT
        for path in (top.rglob("*") if top.is_dir() else [top])
        if path.is_file()
    )
    kept = [file for file in files if file.parts[:2] != _SEGMENTS or file.stem not in left_out]
    digest = hashlib.sha256("\n".join(str(file) for file in kept).encode()).hexdigest()[:12]
    folder = into / digest
    if not folder.exists():
        unfinished = into / f".{digest}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        for file in kept:
            (unfinished / file).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / file).symlink_to(project / file)
        unfinished.replace(folder)
    return folder
