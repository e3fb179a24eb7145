"""Which code a model was made by: what is stored says it, and other code makes another version."""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@functools.cache
def code_version() -> str:
    """The package's version and ten hex digits of the sources of ml/, as '0.1.0+3f2a9c04d1'."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    try:
        released = version("sincerely")
    except PackageNotFoundError:  # run from a checkout that is not installed
        released = "0"
    return f"{released}+{digest.hexdigest()[:10]}"


@functools.cache
def _library_versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in ("scikit-learn", "skops"))


def library_versions() -> dict[str, str]:
    """The libraries whose other versions may read a stored model otherwise, each with its version."""
    return dict(_library_versions())
