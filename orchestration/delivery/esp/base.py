"""What an e-mail service provider's adapter promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from orchestration.delivery.stored import Stored
from orchestration.errors import DeliveryError
from rendering.campaign import Campaign


class EspError(DeliveryError):
    """The ESP takes nothing from us until a person has acted."""


@dataclass(frozen=True)
class Limits:
    """How much an ESP takes in one request, and how many requests at a time."""

    messages: int
    connections: int
    bytes: int | None = None
    # Whether an address may stand in a request but once.
    is_once_an_address: bool = False


@dataclass(frozen=True)
class Answer:
    """The ESP's answer to one request, by message id with reasons: whom it does not name, it accepted.

    `rejected` it will never take; of the `unknown` nobody knows. `left` it certainly did not take and may take when
    asked again, `deferred` when asked by a later sending, for what stands in the way is the message's own.
    """

    rejected: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    deferred: Mapping[str, str] = field(default_factory=dict)
    # Something in the request is wrong and it does not say what: the halves of `left` are to be tried at once.
    is_to_be_halved: bool = False
    # `left` can be tried at once, for what stood in its way is among the rejected.
    is_to_be_repeated: bool = False
    # Nobody is to ask again for so long.
    pause: timedelta | None = None

    @property
    def named(self) -> int:
        """How many messages it did not accept."""
        return len(self.rejected) + len(self.unknown) + len(self.left) + len(self.deferred)


class Esp(Protocol):
    """An adapter. `is_idempotent` says whether handing the same message over twice changes nothing, `fills_templates`
    whether it takes merge data for a template that it keeps; other messages come to it rendered."""

    name: str
    is_idempotent: bool
    fills_templates: bool
    limits: Limits

    def size_of(self, message: Stored) -> int:
        """About how many bytes the message is of a request, never less than it will be."""

    def hand_over(self, messages: Sequence[Stored], sent_at: datetime) -> Answer:
        """Gives the messages, within the limits, to the ESP; raises DeliveryError when certainly none was taken and
        none will be. `sent_at` is when they were planned, the same each time they are given."""

    def finish(self) -> None:
        """Called once after the last request."""

    def look_up(self, requests: Sequence[Sequence[str]]) -> Mapping[str, bool]:
        """Whether it took the messages, by id, for those of which it says so. `requests` are ids that were handed over
        together, the oldest first; raises DeliveryError when it does not let itself be asked."""

    def refuses(self, campaign: Campaign) -> list[str]:
        """What of the campaign it cannot send, a sentence each."""
