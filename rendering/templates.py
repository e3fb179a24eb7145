"""A campaign compiled: MJML, CSS and Jinja once, so that a person costs only the filling in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.exceptions import TemplateAssertionError

from rendering.campaign import Campaign
from rendering.cards import attributes
from rendering.compilation import compile_source
from rendering.direction import directed
from rendering.errors import TemplateError
from rendering.links import track
from rendering.mjml import compile_html, join, put_back
from rendering.plaintext import derive, paragraphs
from rendering.sandbox import Sandbox, environment
from rendering.source import unfold
from rendering.variants import of_variant


@dataclass(frozen=True)
class Compiled:
    """All that a campaign's messages need; reading it opens no file.

    `subjects` holds one template a variant, and the campaign's own under None; `blocks` the blocks that
    each slot may show; `variants` the whole of those that change more than the subject."""

    campaign: Campaign
    subjects: Mapping[str | None, Template]
    preheader: Template
    html: Template
    text: Template
    blocks: Mapping[str, frozenset[str]]
    html_source: str
    text_source: str
    reads: frozenset[str]
    variants: Mapping[str, Compiled] = field(default_factory=dict)

    @cached_property
    def html_in_json(self) -> Template:
        """`html` as it stands between the quotes of a JSON string: where that is wanted, to put it there afterwards
        would take as long as a fifth of the filling in."""
        env = environment(self.campaign, autoescape=True, is_in_json=True)
        return _template(env, self.campaign, self.html_source, self.campaign.template, 1)

    def of(self, variant: str | None) -> Compiled:
        """What the people of one variant get."""
        return self.variants.get(variant or "", self)


def compile_campaign(campaign: Campaign) -> Compiled:
    """The campaign compiled, and apart each variant that changes more than the subject. TemplateError names the file
    and line of what is wrong."""
    own = [variant.name for variant in campaign.variants if variant.has_own_content]
    variants = {name: _compiled(of_variant(campaign, name)) for name in own}
    return replace(_compiled(campaign), variants=variants)


def _compiled(campaign: Campaign) -> Compiled:
    """Compiles `message.mjml.j2`, and `message.txt.j2` where there is one (else the text is derived from the HTML)."""
    escaping = environment(campaign, autoescape=True)
    plain = environment(campaign, autoescape=False)
    joined = join(unfold(campaign, campaign.template))
    stashed = directed(track(compile_html(joined)), campaign.language)
    html_source = put_back(joined, stashed)
    text_file = campaign.text_template
    if text_file.is_file():
        text_source = paragraphs("".join(piece.text for piece in unfold(campaign, text_file, ".txt.j2")))
    else:
        text_source = derive(joined, stashed)
    subjects: dict[str | None, Template] = {None: _line(plain, campaign, "subject", campaign.subject)}
    subject_sources = [variant.subject for variant in campaign.variants if variant.subject]
    for variant in campaign.variants:
        subject = variant.subject or campaign.subject
        subjects[variant.name] = _template(plain, campaign, subject, campaign.file, variant.line)
    return Compiled(
        campaign=campaign,
        subjects=subjects,
        preheader=_line(plain, campaign, "preheader", campaign.preheader),
        html=_template(escaping, campaign, html_source, campaign.template, 1),
        text=_template(plain, campaign, text_source, text_file if text_file.is_file() else campaign.template, 1),
        blocks={slot: frozenset(rule.block for rule in rules) for slot, rules in campaign.slots.items()},
        html_source=html_source,
        text_source=text_source,
        reads=_reads(escaping, [html_source, text_source, campaign.subject, campaign.preheader, *subject_sources]),
    )


def _reads(env: Sandbox, sources: Iterable[str]) -> frozenset[str]:
    """The fields of records that any of the sources may read: as attributes, or named in quotes for a filter."""
    found = {"name"}  # which tokens such as recommendation_name_1 read
    for source in sources:
        tree = env.parse(source)
        found |= attributes(tree) | {each.value for each in tree.find_all(nodes.Const) if isinstance(each.value, str)}
    return frozenset(found)


def _line(env: Sandbox, campaign: Campaign, field: str, source: str) -> Template:
    return _template(env, campaign, source, campaign.file, campaign.lines[field])


def _template(env: Sandbox, campaign: Campaign, source: str, file: Path, line: int) -> Template:
    try:
        return compile_source(env, campaign, source)
    except TemplateAssertionError as error:
        raise TemplateError(file, line, f"{error.message} Ours are {', '.join(sorted(env.filters))}.") from error
    except TemplateSyntaxError as error:
        raise TemplateError(file, line, f"{error.message}") from error
