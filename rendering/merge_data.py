"""What a vendor's own template is given instead of a message that is rendered here: the values that it fills in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from rendering.cards import MADE
from rendering.items import Item
from rendering.links import MESSAGE_MARK, Site, click_url, tracked
from rendering.located import Located

if TYPE_CHECKING:
    from rendering.campaign import Campaign

# What every such template gets beside its campaign's tokens.
COMMON = ("subject", "preheader", "unsubscribe_url", "preferences_url", "slots", "variant")
# The field of a record with the shop's address of it, and what it becomes: one with the campaign's parameters.
_URL, _LINK = "url", "link"
# Which model chose a product, and how, is written down with the decision, and is nothing for the reader.
_OURS = frozenset(("list", "model_version", "score"))
_LEFT_OUT = _OURS | {_URL, MADE}
_TEMPLATE_ID = re.compile(r"d-[0-9A-Za-z]{1,64}")

# JSON cut where the message is named.
Pieces = tuple[bytes, ...]


def read_dynamic_template(located: Located) -> str:
    """The id of a template that the vendor keeps: `dynamic_template: d-…`, as SendGrid names them."""
    value = located.text()
    if not _TEMPLATE_ID.fullmatch(value):
        raise located.error(f"{value!r} is no dynamic template's id; write it as SendGrid shows it, d-0123….")
    return value


class MergeData:
    """Writes the merge data of one campaign's messages. What a product's is, is made once for all its readers."""

    def __init__(self, campaign: Campaign, site: Site) -> None:
        self._campaign = campaign
        self._site = site
        self._names = (*campaign.tokens, *COMMON)
        self._lists = tuple(token.name for token in campaign.tokens.values() if token.type == "list")
        sender = {"postal_address": campaign.postal_address, "sender_name": campaign.sender.name}
        self._opening = _dumped(sender)[:-1] + b","

    @staticmethod
    def reads(field: str) -> bool:
        """Whether a record's field is among what the template is given."""
        return field not in _OURS

    def written(self, values: Mapping[str, Any], reference: str) -> bytes:
        """The campaign's tokens and the common values as a JSON object; money is text, dates are in ISO 8601.

        Each product has its `link`, with the campaign's parameters and the message's `reference`."""
        named = reference.encode("ascii")
        found = {name: values.get(name) for name in self._names}
        for name in self._lists:
            records = [self._record(record, named) for record in found[name] or ()]
            found[name] = orjson.Fragment(b"[" + b",".join(records) + b"]")
        return self._opening + _dumped(found)[1:]

    def _record(self, record: Any, reference: bytes) -> bytes:
        if type(record) is not Item:
            return reference.join(self._object(record)) if isinstance(record, Mapping) else _dumped(record)
        shared, own = record
        if len(shared) == 1:  # nothing but what is made of it
            return reference.join(self._object(own))
        before, after = shared[MADE].get(MergeData), own[MADE].get(MergeData)
        if before is None:
            before = shared[MADE][MergeData] = self._object(shared, after=b"")
        if after is None:
            after = own[MADE][MergeData] = b"".join(self._object(own, before=b",")) if len(own) > 1 else b"}"
        return reference.join(before) + after

    def _object(self, fields: Mapping[str, Any], before: bytes = b"{", after: bytes = b"}") -> Pieces:
        """The members of an object between `before` and `after`, cut where the message is named."""
        found = {name: value for name, value in fields.items() if name not in _LEFT_OUT}
        if not (url := fields.get(_URL)):
            return (before + _dumped(found)[1:-1] + after,)
        pieces = [_dumped(piece)[1:-1] for piece in self._link(url).split(MESSAGE_MARK)]
        pieces[0] = before + _dumped({**found, _LINK: ""})[1:-2] + pieces[0]
        pieces[-1] += b'"' + after
        return tuple(pieces)

    def _link(self, url: str) -> str:
        address = tracked(url, self._campaign.utm, self._campaign.website)
        return click_url(self._site, address) if self._campaign.links == "redirect" else address


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value, default=_text)


def _text(value: Any) -> str:
    """What JSON has no type for: money."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError
