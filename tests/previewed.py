"""Homes to preview: copies of the one in which the main job ran, and campaigns to try in them."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestration.settings import CAMPAIGNS, Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.conftest import AS_OF, SECRET


def copy_of(built: Path, home: Path) -> Settings:
    """The settings of a copy that may be written into."""
    shutil.copytree(built, home, ignore=shutil.ignore_patterns("dbt", "dagster", "preview"))
    return load_settings({"SINCERELY_HOME": str(home), "SINCERELY_SECRET": SECRET}, as_of=AS_OF)


def campaigns_in(folder: Path, *names: str) -> Path:
    """A folder with copies of the named campaigns."""
    for name in names:
        shutil.copytree(CAMPAIGNS / name, folder / name)
    return folder


def change(folder: Path, campaign: str, old: str, new: str, file: str = "campaign.yml") -> None:
    """Another wording in a copied campaign."""
    path = folder / campaign / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def alter(settings: Settings, sql: str, *parameters: object) -> None:
    """Rows as a test wants them."""
    with Warehouse(settings.warehouse).transaction() as connection:
        connection.execute(sql, list(parameters))
