"""Requests as large as an ESP takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from orchestration.delivery.esp.base import Limits
from orchestration.delivery.stored import Stored


def requests(
    messages: Sequence[Stored], limits: Limits, size_of: Callable[[Stored], int]
) -> Iterator[Sequence[Stored]]:
    """The messages in as few parts as the limits allow, in their order, but for repeated addresses.

    Where an address may stand in a request but once, its further messages go into later requests. A message that is
    too large alone is a part of its own: the ESP says so.
    """
    part: list[Stored] = []
    later: list[Stored] = []
    addresses: set[str] = set()
    size = 0
    for message in messages:
        address = message.to_email.lower()
        if limits.is_once_an_address and address in addresses:
            later.append(message)
            continue
        message_size = size_of(message) if limits.bytes else 0
        if part and (len(part) >= limits.messages or (limits.bytes and size + message_size > limits.bytes)):
            yield part
            part, addresses, size = [], set(), 0
        part.append(message)
        addresses.add(address)
        size += message_size
    if part:
        yield part
    if later:
        yield from requests(later, limits, size_of)
