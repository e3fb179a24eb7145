"""What a campaign is: who gets it, how often, what it says, and which values it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType

from rendering import event_parts, parts, variant_parts
from rendering.check_parts import AudienceLimits, read_check_audience
from rendering.located import Fields, read_yaml
from rendering.merge_data import read_dynamic_template
from rendering.pacing_parts import FIELDS as PACING_FIELDS
from rendering.pacing_parts import Pacing, read_pacing
from rendering.parts import NAME, Audience, Recommendations, Rule, SendAt, Sender, Token, Utm, Variant

CAMPAIGNS = Path(__file__).parent / "campaigns"
# A campaign of journeys has no audience and no rhythm: the steps that name it decide who gets it, and when.
OF_JOURNEYS = "journey"
UNKNOWN = ("hold", "resend")
OCCURRENCES = ("once", "daily", "weekly", "monthly", OF_JOURNEYS)


@dataclass(frozen=True)
class Campaign:
    """A validated `campaign.yml`; `lines` says where each of its fields stands."""

    name: str
    folder: Path
    title: str
    purpose: str
    audience: Audience
    occurrence: str
    priority: int
    sender: Sender
    postal_address: str
    website: str
    holdout: float
    send_at: SendAt | None
    # What becomes of a message of which nobody knows whether it was taken, after a limit.
    unknown: str
    variants: tuple[Variant, ...]
    subject: str
    preheader: str
    tokens: Mapping[str, Token]
    uses_recommendations: Recommendations | None
    slots: Mapping[str, tuple[Rule, ...]]
    utm: Utm
    pacing: Pacing
    links: str
    # A template that the vendor keeps is filled in there, and gets values instead of a rendered message.
    dynamic_template: str | None
    # The language of its words, in which values are written then; None leaves it to each person's own.
    language: str | None
    check_audience: AudienceLimits | None
    lines: Mapping[str, int]
    # The file of its folder that is the message.
    message: str = "message.mjml.j2"
    # Whether each message invites its person to the event of core.event_invitations.
    uses_events: bool = False

    @property
    def file(self) -> Path:
        return self.folder / "campaign.yml"

    @property
    def template(self) -> Path:
        return self.folder / self.message

    @property
    def text_template(self) -> Path:
        """The text part's own template; the text is derived from the HTML where there is none."""
        return self.folder / self.message.replace(".mjml.j2", ".txt.j2")

    def block_of(self, slot: str, rule: str) -> str:
        """The block that `rule` shows in `slot`; the way from a recorded decision to the page."""
        return next(each.block for each in self.slots[slot] if each.name == rule)


_OWN = ("name", "folder", "lines", "pacing", "message")
_FIELDS = (*(f.name for f in fields(Campaign) if f.name not in _OWN), "between", *PACING_FIELDS)


def load_campaigns(folder: Path = CAMPAIGNS) -> list[Campaign]:
    """Every campaign of `folder` (one sub-folder each, with a `campaign.yml`), the highest priority first."""
    campaigns = [load_campaign(file.parent) for file in sorted(folder.glob("*/campaign.yml"))]
    return sorted(campaigns, key=lambda campaign: (-campaign.priority, campaign.name))


def load_campaign(folder: Path) -> Campaign:
    """The campaign of one folder; CampaignError names the file, the line and the field."""
    root = read_yaml(folder / "campaign.yml")
    if not NAME.fullmatch(folder.name):
        raise root.error(f"the folder's name {folder.name!r} must be lower case letters, digits and _.")
    left = root.fields()
    lines = MappingProxyType({key: value.line for key, value in left.left.items()})
    holdout, variants = left.optional("holdout"), left.optional("variants")
    recommendations, slots = left.optional("uses_recommendations"), left.optional("slots")
    unknown = left.optional("unknown")
    occurrence = left.required("occurrence").choice(OCCURRENCES)
    rules = parts.read_slots(slots) if slots else MappingProxyType({})
    products = parts.read_recommendations(recommendations) if recommendations else None
    tokens = parts.read_tokens(left.required("tokens"))
    campaign = Campaign(
        name=folder.name,
        folder=folder,
        title=left.required("title").text(),
        purpose=parts.read_name(left.required("purpose")),
        audience=_audience(left, occurrence),
        occurrence=occurrence,
        priority=left.required("priority").integer(0),
        sender=parts.read_sender(left.required("sender")),
        postal_address=left.required("postal_address").text(),
        website=parts.read_website(left.required("website")),
        holdout=holdout.share() if holdout else 0.0,
        send_at=_send_at(left),
        unknown=unknown.choice(UNKNOWN) if unknown else UNKNOWN[0],
        variants=variant_parts.read_variants(variants, rules, products) if variants else (),
        subject=left.required("subject").text(),
        preheader=left.required("preheader").text(),
        tokens=tokens,
        uses_events=event_parts.read_uses_events(left, tokens),
        uses_recommendations=products,
        slots=rules,
        utm=parts.read_utm(left.required("utm")),
        pacing=read_pacing(left, occurrence),
        links=links.choice(parts.LINKS) if (links := left.optional("links")) else parts.LINKS[0],
        dynamic_template=read_dynamic_template(template) if (template := left.optional("dynamic_template")) else None,
        language=parts.read_language(language) if (language := left.optional("language")) else None,
        check_audience=read_check_audience(left),
        lines=lines,
    )
    left.nothing_else(_FIELDS)
    return campaign


def _audience(left: Fields, occurrence: str) -> Audience:
    if occurrence != OF_JOURNEYS:
        return parts.read_audience(left.required("audience"))
    if audience := left.optional("audience"):
        raise audience.error("a campaign of journeys has none, their steps decide who gets it; remove it.")
    return Audience((), ())


def _send_at(left: Fields) -> SendAt | None:
    send_at, between = left.optional("send_at"), left.optional("between")
    if send_at:
        return parts.read_send_at(send_at, between)
    if between:
        raise between.error(f"says nothing without a best hour; add send_at: {parts.BEST_HOUR}, or remove it.")
    return None
