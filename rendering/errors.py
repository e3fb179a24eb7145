"""Errors of rendering: each names the place and says what to do about it."""

from __future__ import annotations

from pathlib import Path


class RenderingError(Exception):
    """The base of what this package raises on purpose."""


class SourceError(RenderingError):
    """Something that a person wrote is wrong; `file` and `line` say where."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file = file
        self.line = line
        self.message = message


class CampaignError(SourceError):
    """A `campaign.yml`, or the file of a journey, cannot be used."""


class TemplateError(SourceError):
    """A template or a block cannot be compiled."""


class RuleError(SourceError):
    """A rule of a slot is not a plain predicate, or stands in the wrong place."""


class PredicateError(RenderingError):
    """A predicate is not one that a rule may use."""


class LinkError(RenderingError):
    """An address or a signed token cannot be used."""


class TokenError(RenderingError):
    """A token has no value and no fallback, or a value of another type."""


class LimitError(RenderingError):
    """A message goes beyond what a template may take: rounds of loops, characters, or time."""


class RenderError(RenderingError):
    """One person's message cannot be rendered; the others are not affected."""

    def __init__(self, message_id: str, campaign: str, reason: str) -> None:
        super().__init__(f"Message {message_id} of campaign {campaign}: {reason}")
        self.message_id = message_id
        self.campaign = campaign
        self.reason = reason
