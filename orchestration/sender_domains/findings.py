"""What is found of one record of a sender's domain, in words that say what to publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One sentence about `subject` (SPF, DKIM, DMARC, DNS); an error keeps bulk mail out of inboxes."""

    domain: str
    subject: str
    level: Level
    words: str
