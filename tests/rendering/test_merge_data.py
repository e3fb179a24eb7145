"""A template that the vendor keeps is given the values, links and choices of a message rendered here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pytest

from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, Campaign, load_campaign
from rendering.links import Site, message_of
from rendering.payload import Payload
from rendering.templates import compile_campaign
from tests.bench.rendering import people

SITE = Site("https://mail.example.com", b"a secret of enough bytes")
TEMPLATE_ID = "d-0123456789abcdef"


@pytest.fixture
def campaign() -> Campaign:
    return replace(load_campaign(CAMPAIGNS / "loyalty_reward"), dynamic_template=TEMPLATE_ID)


def given(campaign: Campaign, records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the template is given for each record."""
    renderer = Renderer(compile_campaign(campaign), SITE, as_merge_data=True)
    for payload in renderer.render(pa.Table.from_pylist(records).combine_chunks().to_batches()[0]):
        assert isinstance(payload, Payload), payload
        assert (payload.html, payload.text, payload.template_id) == ("", "", TEMPLATE_ID)
        yield orjson.loads(bytes(payload.data or b""))


def records(count: int, **of_product: Any) -> list[dict[str, Any]]:
    found = [{**each, "variant": "default"} for each in people(0, count)]
    for each in found:
        each["recommendations"] = [{**product, **of_product} for product in each["recommendations"]]
    return found


def test_each_reader_gets_their_own_products_however_many_share_them(campaign: Campaign) -> None:
    made = records(200)
    for record, data in zip(made, given(campaign, made), strict=True):
        assert data["first_name"] == record["first_name"]
        for product, shown in zip(record["recommendations"], data["recommendations"], strict=True):
            assert shown == {
                name: f"{value:.2f}" if isinstance(value, Decimal) else value
                for name, value in product.items()
                if name not in ("url", "list", "model_version")
            }


@pytest.mark.parametrize("links", ["plain", "redirect"])
def test_a_products_link_says_campaign_and_message(campaign: Campaign, links: str) -> None:
    made = records(3, url="https://www.example.com/p/7?colour=blue#details")
    for record, data in zip(made, given(replace(campaign, links=links), made), strict=True):
        (link,) = {product["link"] for product in data["recommendations"]}
        if links == "redirect":
            assert link.startswith("https://mail.example.com/c/")
            assert message_of(SITE.secret, link.rpartition("/")[2]) == record["message_id"]
        else:
            address, _, reference = link.removesuffix("#details").rpartition("&m=")
            assert address.startswith("https://www.example.com/p/7?colour=blue&utm_source=sincerely")
            assert message_of(SITE.secret, reference) == record["message_id"]


@pytest.mark.parametrize("fields", [("rank", "reason"), ("name",), ("list",)])
def test_a_record_has_the_fields_that_there_are(campaign: Campaign, fields: tuple[str, ...]) -> None:
    made = records(2)
    for record in made:
        record["recommendations"] = [{name: each[name] for name in fields} for each in record["recommendations"]]
    for record, data in zip(made, given(campaign, made), strict=True):
        wanted = [{name: each[name] for name in fields if name != "list"} for each in record["recommendations"]]
        assert data["recommendations"] == wanted


@pytest.mark.parametrize("name", ['"', "\\u0002", "\\", "</script>", "käse 🧀", "a" * 99])
def test_no_name_of_a_product_breaks_out_of_its_place(campaign: Campaign, name: str) -> None:
    made = records(2, name=name, url="https://www.example.com/p/7")
    for data in given(campaign, made):
        assert {product["name"] for product in data["recommendations"]} == {name}


def test_without_the_vendor_the_campaigns_own_message_is_rendered(campaign: Campaign) -> None:
    renderer = Renderer(compile_campaign(campaign), SITE)
    (payload,) = renderer.render(pa.Table.from_pylist(records(1)).combine_chunks().to_batches()[0])
    assert isinstance(payload, Payload)
    assert (payload.template_id, payload.data) == (None, None)
    assert "Maria0" in payload.html
