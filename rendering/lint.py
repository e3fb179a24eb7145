"""Lint: what is wrong with a campaign, with file and line, before anybody gets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rendering.campaign import Campaign
from rendering.decisions import columns_used, slot_cases
from rendering.derived import TYPE, is_derived, sources
from rendering.errors import PredicateError, RenderError, RuleError, TemplateError
from rendering.event_parts import EVENT_TOKENS
from rendering.findings import Finding
from rendering.implication import contradicts_itself, implies
from rendering.links import Site
from rendering.lint_looks import look_findings
from rendering.lint_policy import policy_findings
from rendering.located import did_you_mean
from rendering.markup import problems
from rendering.mjml import join
from rendering.names import Use, header_tokens, uses
from rendering.payload import render
from rendering.policy import Policy, load_policy
from rendering.samples import samples
from rendering.sandbox import BUILT_IN
from rendering.source import Piece, block_file, pieces, unfold
from rendering.templates import Compiled, compile_campaign
from rendering.variants import versions

MAX_SUBJECT_CHARACTERS = 78
# Gmail cuts at 102 KB, and the vendor's rewriting of links comes on top.
MAX_HTML_BYTES = 90 * 1024
RECOMMENDATIONS = "recommendations"
# Values of a record that come from elsewhere than the profile.
SUPPLIED = frozenset({RECOMMENDATIONS, *EVENT_TOKENS})
_UNUSED = "is declared, but never used; remove it."


def lint(
    campaign: Campaign, profile_columns: set[str], sensitive: set[str], policy: Policy | None = None
) -> list[Finding]:
    """What is wrong with `campaign`, in the order of files and lines; nothing means that it can be sent.

    `profile_columns` are the columns that rules and tokens may read, `sensitive` those that may never be printed;
    `policy` is the one of policy.yml unless another is given."""
    policy = policy or load_policy()
    used: set[Path] = set()
    each = [set(_version(version, profile_columns, sensitive, policy, used)) for version in versions(campaign)]
    # What one version has no use for, another may.
    unused = set.intersection(*each)
    found = {found for found in set().union(*each) if not found.message.endswith(_UNUSED) or found in unused}
    return sorted({*found, *_unused_blocks(campaign, used)})


def _version(
    campaign: Campaign, profile_columns: set[str], sensitive: set[str], policy: Policy, used: set[Path]
) -> list[Finding]:
    """What is wrong with the campaign as one of its variants, or whoever is in none, gets it. The files that it is
    made of are added to `used`."""
    found = [*_rules(campaign, profile_columns), *_sources(campaign, profile_columns)]
    missing = list(_missing_blocks(campaign))
    found += missing
    try:
        template = unfold(campaign, campaign.template)
    except TemplateError as error:
        known = {(finding.file, finding.line) for finding in missing}
        if not missing or (error.file, error.line) not in known:
            found.append(Finding(error.file, error.line, "error", error.message))
        return sorted(set(found))
    used |= {piece.file for piece in template}
    found += _names(campaign, template, sensitive)
    found += _blocks(template)
    found += _markup(template)
    try:
        compiled = compile_campaign(campaign)
    except TemplateError as error:
        found.append(Finding(error.file, error.line, "error", error.message))
    else:
        found += policy_findings(campaign, template, policy)
        found += _rendered(compiled, template, has_names=any("is not declared" in each.message for each in found))
    return sorted(set(found))


def _unused_blocks(campaign: Campaign, used: set[Path]) -> Iterator[Finding]:
    if not used:
        return  # what a message is made of is not known before it can be read
    for file in sorted((campaign.folder / "blocks").glob("*.mjml.j2")):
        if file not in used:
            yield Finding(file, 1, "warning", "no slot and no include of the campaign uses this block; remove it.")


def _sources(campaign: Campaign, profile_columns: set[str]) -> Iterator[Finding]:
    """Tokens that no record can have a value for, and those whose name says another type."""
    for token in campaign.tokens.values():
        if is_derived(token.name) and token.type != TYPE:
            message = f"tokens.{token.name} is a {TYPE} in every campaign, not a {token.type}."
            yield Finding(campaign.file, token.line, "error", message)
        for field in sources(token.name):
            if field == RECOMMENDATIONS and campaign.uses_recommendations is None:
                message = f"tokens.{token.name} needs products; add uses_recommendations: {{list: …, count: …}}."
                yield Finding(campaign.file, token.line, "error", message)
            elif field not in profile_columns | SUPPLIED:
                hint = did_you_mean(field, tuple(profile_columns | SUPPLIED))
                message = f"tokens.{token.name}: the profile has no column {field}.{hint}"
                yield Finding(campaign.file, token.line, "error", message)


def _rules(campaign: Campaign, profile_columns: set[str]) -> Iterator[Finding]:
    try:
        slot_cases(campaign)
    except RuleError as error:
        yield Finding(error.file, error.line, "error", error.message)
    for slot, rules in campaign.slots.items():
        seen: dict[str, str] = {}
        for rule in rules:
            if rule.when is None:
                continue
            if contradicts_itself(rule.when):
                message = f"slots.{slot}: {rule.name} holds of nobody: its condition asks one column for two things."
                yield Finding(campaign.file, rule.line, "error", message)
            elif before := next((name for name, when in seen.items() if implies(rule.when, when)), None):
                message = (
                    f"slots.{slot}: {rule.name} is never reached: whoever it holds of gets {before}, "
                    "which stands before it; move it up, or remove it."
                )
                yield Finding(campaign.file, rule.line, "error", message)
            seen[rule.name] = rule.when
            try:
                unknown = sorted(columns_used(rule.when) - profile_columns)
            except PredicateError:
                continue  # slot_cases has said so
            for column in unknown:
                hint = did_you_mean(column, tuple(profile_columns))
                message = f"slots.{slot}: {rule.name}: the profile has no column {column}.{hint}"
                yield Finding(campaign.file, rule.line, "error", message)


def _missing_blocks(campaign: Campaign) -> Iterator[Finding]:
    for slot, rules in campaign.slots.items():
        for rule in rules:
            if block_file(campaign, rule.block) is None:
                message = f"slots.{slot}: {rule.name}: there is no block {rule.block}.mjml.j2; write it."
                replaced = (each for each in campaign.variants if rule.name in each.blocks.get(slot, {}))
                line = next((variant.line for variant in replaced if campaign.variants == (variant,)), rule.line)
                yield Finding(campaign.file, line, "error", message)


def _names(campaign: Campaign, template: list[Piece], sensitive: set[str]) -> Iterator[Finding]:
    """Undeclared, unused and sensitive tokens, and those without a fallback."""
    used = [*uses(template), *_lines_of_campaign(campaign)]
    text_file = campaign.text_template
    if text_file.is_file():
        used += uses(unfold(campaign, text_file, ".txt.j2"))
    known = {*campaign.tokens, *BUILT_IN}
    for use in used:
        if use.name in sensitive:
            message = f"{use.name} is sensitive: it may decide in a rule, but may not be printed."
            yield Finding(use.file, use.line, "error", message)
        elif use.name not in known:
            hint = did_you_mean(use.name, tuple(known))
            message = f"the token {use.name} is not declared in campaign.yml.{hint}"
            yield Finding(use.file, use.line, "error", message)
    names = {use.name for use in used}
    for token in campaign.tokens.values():
        if token.name in sensitive:
            message = f"tokens.{token.name} is sensitive and may not be a token; remove it."
            yield Finding(campaign.file, token.line, "error", message)
        if not token.has_fallback:
            message = f"tokens.{token.name} has no fallback: people without it get no message; add one."
            yield Finding(campaign.file, token.line, "warning", message)
        if token.name not in names:
            message = f"tokens.{token.name} {_UNUSED}"
            yield Finding(campaign.file, token.line, "warning", message)


def _lines_of_campaign(campaign: Campaign) -> list[Use]:
    lines = [(campaign.lines["subject"], campaign.subject), (campaign.lines["preheader"], campaign.preheader)]
    lines += [(variant.line, variant.subject) for variant in campaign.variants if variant.subject]
    found: list[Use] = []
    for line, source in lines:
        try:
            cut = [Piece(p.kind, p.text, p.file, line) for p in pieces(campaign.file, source)]
            found += uses(cut)
        except TemplateError:
            continue  # compiling says so, with the line
    return found


def _blocks(template: list[Piece]) -> Iterator[Finding]:
    """The head of each block lists the tokens that it needs, no more and no fewer."""
    for file in sorted({piece.file for piece in template if piece.file.parent.name == "blocks"}):
        text = file.read_text("utf-8")
        cut = [piece for piece in pieces(file, text) if "include" not in piece.text and "slot" not in piece.text]
        needed = {use.name for use in uses(cut)} - BUILT_IN
        listed = header_tokens(text)
        if listed is None:
            yield Finding(file, 1, "warning", "the block does not begin with a comment that lists its tokens.")
        elif listed != needed and not needed <= listed:
            missing = ", ".join(sorted(needed - listed))
            yield Finding(file, 1, "warning", f"the comment at the head does not list {missing}; add it.")


def _markup(template: list[Piece]) -> Iterator[Finding]:
    for file, line, message in problems(join(template)):
        yield Finding(file, line, "error", message)


def _rendered(compiled: Compiled, template: list[Piece], *, has_names: bool) -> Iterator[Finding]:
    """What shows only when made-up people get the message."""
    campaign = compiled.campaign
    site = Site("https://service.example.com", b"only for trying it out")
    for record in samples(campaign):
        try:
            payload = render(compiled, record, site)
        except RenderError as error:
            if not has_names and "declare a fallback" not in error.reason:
                yield Finding(campaign.template, 1, "error", f"does not render: {error.reason}.")
            continue
        if len(payload.subject) > MAX_SUBJECT_CHARACTERS:
            message = f"the subject has {len(payload.subject)} characters; in-boxes show {MAX_SUBJECT_CHARACTERS}."
            yield Finding(campaign.file, campaign.lines["subject"], "warning", message)
        size = len(payload.html.encode())
        if size > MAX_HTML_BYTES:
            message = f"the HTML has {size // 1024} KB; mail programs cut it beyond {MAX_HTML_BYTES // 1024} KB."
            yield Finding(campaign.template, 1, "error", message)
        if not payload.text.strip():
            file = campaign.text_template if campaign.text_template.is_file() else campaign.template
            yield Finding(
                file, 1, "error", "the text part is empty; write one, or remove the file: it is derived then."
            )
        yield from look_findings(campaign, template, payload.html)
    yield from _obligations(compiled)


def _obligations(compiled: Compiled) -> Iterator[Finding]:
    for name, what in (("unsubscribe_url", "link to unsubscribe"), ("postal_address", "postal address")):
        for part, source in (("HTML", compiled.html_source), ("text", compiled.text_source)):
            if name not in source:
                message = f"the {part} has no {what}; include the footer, or print {{{{ {name} }}}}."
                yield Finding(compiled.campaign.template, 1, "error", message)
