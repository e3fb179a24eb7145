"""Arrow batches give the very messages that single records give, however products are shared."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, load_campaign, load_campaigns
from rendering.errors import RenderError
from rendering.links import Site
from rendering.payload import render
from rendering.templates import compile_campaign
from tests.bench.rendering import people
from tests.rendering.conftest import CAMPAIGN, person, regular

SITE = Site("https://mail.example.com", b"sixteen bytes or more")


@pytest.fixture(scope="module")
def loyalty():
    return compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward"))


def batch(records: list[dict]) -> pa.RecordBatch:
    table = pa.Table.from_pylist(records).combine_chunks()
    for position, field in enumerate(table.schema):
        if pa.types.is_null(field.type):  # nothing but nulls says no type
            table = table.set_column(position, field.name, pa.nulls(table.num_rows, pa.string()))
    return table.to_batches()[0]


def test_a_batch_gives_what_single_records_give(loyalty):
    records = list(people(0, 1_200))

    rendered = list(Renderer(loyalty, SITE).render(batch(records)))

    assert rendered == [render(loyalty, record, SITE) for record in records]


def test_a_slice_of_a_batch_gives_its_own_rows(loyalty):
    records = list(people(0, 30))

    rendered = list(Renderer(loyalty, SITE).render(batch(records).slice(7, 9)))

    assert [each.person_id for each in rendered] == [record["person_id"] for record in records[7:16]]
    assert rendered == [render(loyalty, record, SITE) for record in records[7:16]]


def test_the_same_product_reads_for_each_person_in_their_language_with_their_reason(loyalty):
    first = regular(message_id="m1", language="en", country="US")
    second = regular(message_id="m2", language="de", country="DE")
    other = dict(second["recommendations"][0], reason="Es ist bald leer")
    second["recommendations"] = [other] * 6

    one, two = Renderer(loyalty, SITE).render(batch([first, second]))

    assert "$4.49" in one.html and "You like it" in one.html
    assert "4,49\xa0$" in two.html and "Es ist bald leer" in two.html and "You like it" not in two.html
    assert "m=m1." in one.html and "m=m1." not in two.html


def test_a_list_that_is_null_shows_nothing_of_what_it_spans(loyalty):
    records = batch([regular(message_id=f"m{number}") for number in range(3)])
    lists = records.column("recommendations")
    hidden = pa.ListArray.from_arrays(lists.offsets, lists.values, mask=pa.array([False, True, False]))
    position = records.schema.get_field_index("recommendations")

    made = list(Renderer(loyalty, SITE).render(records.set_column(position, "recommendations", hidden)))

    assert ["Running low?" in each.html for each in made] == [True, False, True]


def test_a_product_that_changed_is_another_product(loyalty):
    renderer = Renderer(loyalty, SITE)
    dearer = regular()
    dearer["recommendations"] = [dict(dearer["recommendations"][0], price=Decimal("9.99"))] * 6

    before, after = (next(renderer.render(batch([record]))) for record in (regular(), dearer))

    assert "$4.49" in before.html and "$9.99" in after.html and "$4.49" not in after.html


# What can be wrong with a record, and what is said of it.
WRONG = [
    ({"slots": {"hero": "hero_missed", "local": "city_anywhere"}}, "decision for slot hero"),
    ({"email": "a@b.example\r\nBcc: c@d.example"}, "not one plain address"),
    ({"email": None}, "email is missing"),
    ({"message_id": "a\nb"}, "message_id must be"),
    ({"occurrence": None}, "occurrence is missing"),
]


@pytest.mark.parametrize(("wrong", "says"), WRONG)
def test_a_row_that_cannot_be_rendered_says_why_and_stops_no_other(loyalty, wrong, says):
    first, second = Renderer(loyalty, SITE).render(batch([regular() | wrong, regular()]))

    assert isinstance(first, RenderError) and says in str(first)
    assert second == render(loyalty, regular(), SITE)


def test_a_value_missing_without_a_fallback_spoils_only_its_row(write):
    compiled = compile_campaign(write(campaign=CAMPAIGN.replace(", fallback: there", "")))

    first, second = Renderer(compiled, SITE).render(batch([person(first_name=None), person()]))

    assert "first_name has no value" in str(first)
    assert second.subject == "Hello Maria"


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_every_shipped_campaign_renders_from_a_batch_without_optional_columns(campaign):
    record = {"message_id": "m1", "person_id": "p1", "email": "maria@example.com", "occurrence": "2018-01"}
    record["slots"] = {slot: rules[-1].block for slot, rules in campaign.slots.items()}
    compiled = compile_campaign(campaign)

    (rendered,) = Renderer(compiled, SITE).render(batch([record]))

    assert rendered == render(compiled, record, SITE)
