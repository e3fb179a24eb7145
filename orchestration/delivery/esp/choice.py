"""Which adapter the settings name."""

from __future__ import annotations

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.errors import SettingsError
from orchestration.settings import DEMO_SECRET, Settings


def esp_for(settings: Settings) -> Esp:
    """The adapter that the settings name. Only `folder` takes the demo's public key."""
    if settings.esp != "folder" and settings.secret == DEMO_SECRET:
        raise SettingsError(
            "SINCERELY_SECRET is the demo's public key; delete it from sincerely.toml before real mail leaves."
        )
    return FolderEsp(settings.outbox)
