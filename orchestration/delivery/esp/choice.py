"""Which adapter the settings name."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.esp.mailchimp import Mailchimp
from orchestration.delivery.esp.sendgrid import SendGrid
from orchestration.delivery.esp.smtp import Smtp
from orchestration.errors import SettingsError
from orchestration.settings import DEMO_SECRET, Settings
from rendering.campaign import Campaign

FOLDER = FolderEsp.name
# These keep an audience and send by themselves; they are given no messages.
AUDIENCE_ESPS = ("mailchimp",)


def esp_for(settings: Settings) -> Esp:
    """The adapter that the settings name. Only `folder` takes the demo's public key."""
    check_secret(settings)
    if settings.esp in AUDIENCE_ESPS:
        raise SettingsError(f"SINCERELY_ESP={settings.esp} takes no messages; `sincerely send` tells it its audience.")
    return _ADAPTERS[settings.esp](settings)


def fills_templates(esp: str) -> bool:
    """Whether the ESP of that name fills in templates that it keeps itself."""
    return any(adapter.name == esp and adapter.fills_templates for adapter in (FolderEsp, SendGrid, Smtp))


def check_secret(settings: Settings) -> None:
    """SettingsError when the demo, whose key everybody knows, is about to meet a real ESP."""
    if settings.esp != FOLDER and settings.secret == DEMO_SECRET:
        raise SettingsError(
            "SINCERELY_SECRET is the demo's public key; delete it from sincerely.toml before real mail leaves."
        )


def refusals(esp: str, campaign: Campaign) -> list[str]:
    """What of the campaign the ESP of that name cannot send, a sentence each: said before, not dropped in silence."""
    return _REFUSALS[esp](campaign) if esp in _REFUSALS else []


_ADAPTERS: dict[str, Callable[[Settings], Esp]] = {
    "folder": lambda settings: FolderEsp(settings.outbox),
    "sendgrid": lambda settings: SendGrid(
        settings.sendgrid_api_key,
        settings.sendgrid_template_id,
        settings.sendgrid_url,
        has_activity=settings.sendgrid_activity == "on",
    ),
    "smtp": lambda settings: Smtp(settings.smtp_url),
}
_REFUSALS: dict[str, Callable[[Campaign], list[str]]] = {
    "smtp": Smtp.refuses,
    "sendgrid": SendGrid.refuses,
    "mailchimp": Mailchimp.refuses,
}
