"""The preview as a whole: its people found, its campaigns rendered, its page written. Nothing else is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from orchestration import refreshes
from orchestration.delivery.making import NO_EVENT
from orchestration.errors import SincerelyError, storage_error
from orchestration.previewing import versions
from orchestration.previewing.covering import OUTSIDE
from orchestration.previewing.private_files import make_private, write_private
from orchestration.previewing.sections import Preview, Request, preview_campaign
from orchestration.settings import CAMPAIGNS, DBT_PROJECT, Settings
from orchestration.warehouse import Warehouse
from rendering.links import Site
from rendering.preview import gallery

DEFAULT_PEOPLE = 12
MOST_PEOPLE = 500
_PERSON_SQL = """
    select person_id
    from core.identity_map
    where identifier_type = 'email' and identifier = nullif(lower(trim(?)), '')
"""
_PROFILES = DBT_PROJECT / "models" / "profiles" / "profiles.yml"


@dataclass(frozen=True)
class Written:
    """A preview that was written: its page, its version, the one it is held against and how many messages are other
    than in that, what it shows, and the ids of the people who were named for it."""

    path: Path
    version: str
    against: str | None
    changed: int
    previews: tuple[Preview, ...]
    named: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[gallery.Section, ...]:
        return tuple(preview.section for preview in self.previews)


def write(
    settings: Settings,
    names: Sequence[str] = (),
    addresses: Sequence[str] = (),
    people: int | None = None,
    against: str = versions.LAST,
    campaigns: Path = CAMPAIGNS,
) -> Written:
    """Writes `preview/index.html` of the home: the named people's messages, or those of at least `people` who show
    everything that each campaign can do. SincerelyError says what is missing."""
    warehouse = _built(settings)
    folders = _chosen(campaigns, names)
    refresh = refreshes.last(warehouse)
    # The instant that the tables speak of: its occurrence is the one whose audience they hold.
    as_of = refresh.as_of if refresh else settings.as_of or datetime.now(UTC)
    folder = settings.home / "preview"
    earlier = versions.chosen(folder, against, [each.name for each in folders])
    if people is None and not addresses:
        people = DEFAULT_PEOPLE
    if people is not None and not 1 <= people <= MOST_PEOPLE:
        raise SincerelyError(f"--people {people}: a preview shows from 1 to {MOST_PEOPLE} people; name a number there.")
    request = Request(
        as_of=as_of.replace(tzinfo=None),
        site=Site(settings.base_url, settings.secret.encode()),
        sensitive=_sensitive(),
        esp=settings.esp,
        person_ids=_person_ids(warehouse, addresses),
        people=people,
        shown_before=frozenset(
            (each["campaign"], each["person_id"]) for old in earlier[:1] for each in versions.messages(folder, old)
        ),
    )
    previews = tuple(sorted((preview_campaign(warehouse, each, request) for each in folders), key=_most_urgent))
    return replace(_write(settings, folder, previews, f"{as_of:%Y-%m-%d}", earlier), named=request.person_ids)


def _most_urgent(preview: Preview) -> tuple[int, str]:
    """As campaigns go: the highest priority first; one that cannot be read comes before all."""
    campaign = preview.section.campaign
    return (-campaign.priority if campaign else -1_000_000, preview.section.name)


def told(section: gallery.Section) -> dict[str, Any]:
    """What a section came to, for a program."""
    return {
        "campaign": section.name,
        "messages": len(section.messages),
        "people": len(section.people),
        "outside": sum(bool(person.shows) and person.standing == OUTSIDE for person in section.people),
        "nobody": list(section.nobody),
        "problems": list(section.problems),
        # Whom planning invites to no event is no fault of the campaign's.
        "not_rendered": sorted(
            f"{count:,} messages cannot be rendered: {problem}"
            for problem, count in Counter(each.problem for each in section.messages).items()
            if problem not in (None, NO_EVENT)
        ),
    }


def _write(
    settings: Settings, folder: Path, previews: tuple[Preview, ...], as_of: str, earlier: Sequence[versions.Version]
) -> Written:
    sections = [preview.section for preview in previews]
    shown = gallery.saved(sections)
    version = versions.version_of(shown)
    before = _before(folder, earlier, shown)
    html = gallery.page(sections, as_of, version, before, _neighbours(settings))
    try:
        make_private(folder)
        write_private(folder / "index.html", html.encode())
        versions.keep(folder, shown, datetime.now(UTC).isoformat(timespec="seconds"), as_of)
    except OSError as error:
        raise storage_error(error, folder) from error
    changed = gallery.changed_count(shown, before) if before else 0
    return Written(folder / "index.html", version, before.version if before else None, changed, previews)


def _before(
    folder: Path, earlier: Sequence[versions.Version], shown: Sequence[dict[str, Any]]
) -> gallery.Before | None:
    """The likeliest of the earlier versions that says of these campaigns anything else than is said now."""
    campaigns = {each["campaign"] for each in shown}
    for version in earlier:
        messages = [each for each in versions.messages(folder, version) if each["campaign"] in campaigns]
        if messages and messages != shown:
            return gallery.Before(version.version, version.told, messages)
    return None


def _neighbours(settings: Settings) -> list[gallery.Neighbour]:
    pages = {"Report": settings.reports / "index.html", "Sent messages": settings.outbox / "index.html"}
    return [
        gallery.Neighbour(label, f"../{path.relative_to(settings.home).as_posix()}")
        for label, path in pages.items()
        if path.exists()
    ]


def _chosen(campaigns: Path, names: Sequence[str]) -> list[Path]:
    folders = {file.parent.name: file.parent for file in sorted(campaigns.glob("*/campaign.yml"))}
    for name in names:
        if name not in folders:
            raise SincerelyError(f"There is no campaign {name}; there are {', '.join(folders)}.")
    return [folder for name, folder in folders.items() if not names or name in names]


def _person_ids(warehouse: Warehouse, addresses: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for number, address in enumerate(addresses, 1):
        rows: list[dict[str, Any]] = warehouse.rows(_PERSON_SQL, [address])
        if not rows:
            raise SincerelyError(
                f"Nobody is known under the address of --person number {number}; check its spelling, or land a file "
                "with it."
            )
        found += [row["person_id"] for row in rows]
    return tuple(dict.fromkeys(found))


def _sensitive() -> frozenset[str]:
    """The columns of core.profiles that may decide and are never printed."""
    (model,) = yaml.safe_load(_PROFILES.read_text(encoding="utf-8"))["models"]
    return frozenset(
        column["name"] for column in model["columns"] if column.get("config", {}).get("meta", {}).get("sensitive")
    )


def _built(settings: Settings) -> Warehouse:
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    needed = ("core.message_candidates", "ml.recommendations")
    if not settings.warehouse.exists() or not all(warehouse.exists(table) for table in needed):
        raise SincerelyError("Nothing is built yet; run `sincerely run` first.")
    with warehouse.read("select * from core.message_candidates limit 0") as reader:
        if "is_carried_over" not in reader.schema.names:
            raise SincerelyError("The tables are of an earlier version; run `sincerely run` first.")
    return warehouse
