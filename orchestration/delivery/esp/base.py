"""What an e-mail service provider's adapter promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rendering.payload import Payload


@dataclass(frozen=True)
class Answer:
    """The ESP's answer to one batch: message ids that it refused, with reasons; all others it accepted."""

    rejected: dict[str, str] = field(default_factory=dict)


class Esp(Protocol):
    """An adapter. `is_idempotent` says whether handing the same message over twice changes nothing."""

    name: str
    is_idempotent: bool

    def hand_over(self, payloads: Sequence[Payload], sent_at: datetime) -> Answer:
        """Gives the messages to the ESP; raises DeliveryError when certainly none was taken."""

    def finish(self) -> None:
        """Called once after the last batch."""
