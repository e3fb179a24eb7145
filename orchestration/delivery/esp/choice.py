"""Which adapter the settings name."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.esp.sendgrid import SendGrid
from orchestration.delivery.esp.smtp import Smtp
from orchestration.errors import SettingsError
from orchestration.settings import DEMO_SECRET, Settings


def esp_for(settings: Settings) -> Esp:
    """The adapter that the settings name. Only `folder` takes the demo's public key."""
    if settings.esp != "folder" and settings.secret == DEMO_SECRET:
        raise SettingsError(
            "SINCERELY_SECRET is the demo's public key; delete it from sincerely.toml before real mail leaves."
        )
    return _ADAPTERS[settings.esp](settings)


_ADAPTERS: dict[str, Callable[[Settings], Esp]] = {
    "folder": lambda settings: FolderEsp(settings.outbox),
    "sendgrid": lambda settings: SendGrid(
        settings.sendgrid_api_key, settings.sendgrid_template_id, settings.sendgrid_url
    ),
    "smtp": lambda settings: Smtp(settings.smtp_url),
}
