"""An up-to-date parse of dbt's, as Python's own objects: to make them of what dbt keeps takes five times as long."""

from __future__ import annotations

import hashlib
import pickle
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.dbt_once import keep

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_DIGEST_BYTES = hashlib.sha256().digest_size
_UNREADABLE = (
    OSError,
    EOFError,
    pickle.UnpicklingError,
    AttributeError,
    ImportError,
    IndexError,
    ValueError,
    TypeError,
)
_MADE_BY = ("dbt-core", "dbt-common", "dbt-adapters", "dbt-duckdb", "mashumaro")


def load(parsed: Path) -> Manifest:
    """The manifest of the file partial_parse.msgpack; the objects are kept beside it for the next build."""
    packed = parsed.read_bytes()
    made_by = [sys.implementation.cache_tag, *map(version, _MADE_BY)]
    digest = hashlib.sha256(f"{made_by}".encode() + packed).digest()
    kept = parsed.with_suffix(".pickle")
    found = _read(kept, digest)
    if found is not None:
        return found
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_msgpack(packed)
    manifest.build_flat_graph()
    keep(kept, digest + pickle.dumps(manifest, protocol=pickle.HIGHEST_PROTOCOL))
    return manifest


def _read(kept: Path, digest: bytes) -> Manifest | None:
    """What was kept of this very parse; a file that cannot be read is as good as none."""
    with suppress(*_UNREADABLE):
        data = memoryview(kept.read_bytes())
        if data[:_DIGEST_BYTES] == digest:
            manifest: Manifest = pickle.loads(data[_DIGEST_BYTES:])
            return manifest
    return None
