"""What earlier previews showed, kept to be compared with; the oldest go."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import SincerelyError
from orchestration.previewing.private_files import make_private, write_private

KEPT_VERSIONS = 10
LAST, NONE = "last", "none"
_LENGTH = 12


@dataclass(frozen=True)
class Version:
    """A kept preview: `made_at` (ISO 8601, UTC) and `as_of` are for people to know it by."""

    version: str
    number: int
    made_at: str
    as_of: str
    campaigns: tuple[str, ...]

    @property
    def told(self) -> str:
        return f"{self.version}, made {self.made_at[:16].replace('T', ' ')} UTC, of {self.as_of}"


def version_of(messages: Sequence[dict[str, Any]]) -> str:
    """The name of a set of messages: equal messages, equal name."""
    return hashlib.sha256(_bytes(messages)).hexdigest()[:_LENGTH]


def kept(folder: Path) -> list[Version]:
    """The versions of a preview's folder, the newest first."""
    found = []
    for file in folder.glob("versions/*/version.json"):
        facts = json.loads(file.read_text(encoding="utf-8"))
        found.append(Version(**{**facts, "campaigns": tuple(facts["campaigns"])}))
    return sorted(found, key=lambda each: -each.number)


def chosen(folder: Path, against: str, campaigns: Collection[str]) -> list[Version]:
    """The versions that `against` may mean, the likeliest first: the newest that shows all of the campaigns, then those
    that show any; or the one whose name begins so."""
    found = kept(folder)
    if against == NONE:
        return []
    if against == LAST:
        wanted = set(campaigns)
        some = [each for each in found if wanted & set(each.campaigns)]
        return sorted(some, key=lambda each: (not wanted <= set(each.campaigns), -each.number))
    named = [each for each in found if each.version.startswith(against)]
    if len(named) != 1:
        names = ", ".join(each.version for each in found) or "none is kept yet"
        raise SincerelyError(f"--against {against}: {'more than one' if named else 'no'} version begins so; {names}.")
    return named


def messages(folder: Path, version: Version) -> list[dict[str, Any]]:
    """What a version showed."""
    with gzip.open(folder / "versions" / version.version / "messages.json.gz") as file:
        found: list[dict[str, Any]] = json.load(file)
    return found


def keep(folder: Path, shown: Sequence[dict[str, Any]], made_at: str, as_of: str) -> Version:
    """Keeps what is shown, as the newest; at most ten are kept."""
    before = kept(folder)
    version = Version(
        version=version_of(shown),
        number=before[0].number + 1 if before else 1,
        made_at=made_at,
        as_of=as_of,
        campaigns=tuple(sorted({each["campaign"] for each in shown})),
    )
    place = folder / "versions" / version.version
    make_private(place)
    write_private(place / "messages.json.gz", gzip.compress(_bytes(shown), mtime=0))
    facts = {name: getattr(version, name) for name in ("version", "number", "made_at", "as_of", "campaigns")}
    write_private(place / "version.json", json.dumps(facts).encode())
    for old in kept(folder)[KEPT_VERSIONS:]:
        for name in ("version.json", "messages.json.gz"):
            (folder / "versions" / old.version / name).unlink(missing_ok=True)
        (folder / "versions" / old.version).rmdir()
    return version


def _bytes(messages: Sequence[dict[str, Any]]) -> bytes:
    return json.dumps(messages, sort_keys=True, separators=(",", ":")).encode()
