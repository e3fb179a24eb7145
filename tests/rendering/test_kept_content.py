"""A message that is kept is, as JSON, the very message that a preview shows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, Campaign, load_campaign, load_campaigns
from rendering.errors import RenderError
from rendering.json_text import in_json
from rendering.links import MESSAGE_MARK, Site
from rendering.payload import Payload, render
from rendering.samples import samples
from rendering.templates import Compiled, compile_campaign
from tests.rendering.conftest import MESSAGE, person, regular
from tests.rendering.test_batches import batch

SITE = Site("https://mail.example.com", b"sixteen bytes or more")
LOYALTY = compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward"))
# Quotes, backslashes and markup beside all else that a name may hold.
_TEXT = st.text(st.one_of(st.sampled_from("\"\\'<>&/\t\n"), st.characters(exclude_categories=["Cs"])), max_size=60)


def kept(compiled: Compiled, record: dict[str, Any]) -> dict[str, str]:
    (made,) = Renderer(compiled, SITE, are_kept=True).render(batch([record]))
    assert isinstance(made, Payload), made
    assert (made.html, made.text) == ("", "")
    content: dict[str, str] = orjson.loads(bytes(made.data or b""))
    return content


def shown(compiled: Compiled, record: dict[str, Any]) -> dict[str, str]:
    made = render(compiled, record, SITE)
    return {"subject": made.subject, "html": made.html, "text": made.text}


@pytest.mark.parametrize("name", [campaign.name for campaign in load_campaigns(CAMPAIGNS)])
def test_what_is_kept_of_a_campaign_is_what_its_previews_show(name: str) -> None:
    compiled = compile_campaign(load_campaign(Path(CAMPAIGNS) / name))
    for record in samples(compiled.campaign):
        of_variant = compiled.of(record.get("variant"))
        assert kept(of_variant, record) == shown(of_variant, record)


@settings(max_examples=60, deadline=None)
@given(_TEXT, _TEXT, _TEXT)
def test_whatever_a_value_holds_what_is_kept_is_the_message(first_name: str, product: str, reason: str) -> None:
    record = regular(message_id="m1", first_name=first_name)
    record["recommendations"] = [
        dict(each, name=product, reason=reason, price=Decimal("1.50")) for each in record["recommendations"]
    ]
    assert kept(LOYALTY, record) == shown(LOYALTY, record)


@given(_TEXT)
def test_a_text_in_json_reads_as_it_was_and_leaves_the_mark_of_the_message_alone(text: str) -> None:
    text = text.replace(MESSAGE_MARK, "")
    assert orjson.loads(f'"{in_json(text)}"') == text
    assert in_json(f"{text}{MESSAGE_MARK}{text}") == f"{in_json(text)}{MESSAGE_MARK}{in_json(text)}"


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("mark", ["\\", "'", "x"])
def test_the_limit_counts_the_characters_that_are_read(
    write: Callable[..., Campaign], mark: str, is_kept: bool
) -> None:
    def made(count: int) -> Payload | RenderError:
        loops = "{% for a in gifts %}" * 2 + mark * count + "{% endfor %}" * 2
        compiled = compile_campaign(write(message=MESSAGE.replace("Dear", loops)))
        record = person(gifts=[{"name": "tea"}] * 30)
        (found,) = Renderer(compiled, SITE, are_kept=is_kept).render(batch([record]))
        return found

    assert isinstance(made(1_000), Payload)
    refused = made(1_200)
    assert isinstance(refused, RenderError) and "more than 1,000,000 characters" in refused.reason
