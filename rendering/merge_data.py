"""What a vendor's own template is given instead of a message that is rendered here: the values that it fills in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from rendering.located import Located

if TYPE_CHECKING:
    from rendering.campaign import Campaign

# What every such template gets beside its campaign's tokens.
COMMON = ("subject", "preheader", "unsubscribe_url", "preferences_url")
_TEMPLATE_ID = re.compile(r"d-[0-9A-Za-z]{1,64}")


def read_dynamic_template(located: Located) -> str:
    """The id of a template that the vendor keeps: `dynamic_template: d-…`, as SendGrid names them."""
    value = located.text()
    if not _TEMPLATE_ID.fullmatch(value):
        raise located.error(f"{value!r} is no dynamic template's id; write it as SendGrid shows it, d-0123….")
    return value


def merge_data(campaign: Campaign, values: Mapping[str, Any]) -> str:
    """The campaign's tokens and the common values as a JSON object; money is text, dates are in ISO 8601."""
    names = [*campaign.tokens, *COMMON, "postal_address", "sender_name"]
    common = {"postal_address": campaign.postal_address, "sender_name": campaign.sender.name}
    found = {name: _plain(values[name] if name in values else common.get(name)) for name in names}
    return orjson.dumps(found).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        # What templates note for themselves beside a product's fields has no name that is text.
        return {name: _plain(each) for name, each in value.items() if _is_field(name, each)}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


def _is_field(name: Any, value: Any) -> bool:
    return isinstance(name, str) and not isinstance(value, Mapping)
