"""Variants of subject, block, product list or the whole message: each is shown to whom it was drawn for."""

from __future__ import annotations

import re

import pytest

from rendering.campaign import load_campaign
from rendering.errors import CampaignError, RenderError
from rendering.lint import lint
from rendering.payload import render
from rendering.templates import compile_campaign
from rendering.variants import of_variant, versions
from tests.rendering.conftest import CAMPAIGN, MESSAGE, person

COLUMNS = {"first_name", "city", "gifts"}
PLAIN = "variants: [{name: plain, weight: 1}, {name: other, weight: 3%s}]\n"
WHOLE = MESSAGE.replace("Dear {{ first_name }}", "Hi {{ first_name }}, all new")


def with_variant(more: str) -> str:
    return CAMPAIGN + PLAIN % (", " + more if more else "")


@pytest.fixture
def shown(write, site):
    """The message that a person of the variant gets, whose rule was the first of the slot."""

    def shown(more: str, variant: str, block: str = "near", **blocks: str):
        compiled = compile_campaign(write(campaign=with_variant(more), **blocks))
        assert compiled.of(variant).campaign.block_of("hero", "near") == block
        return render(compiled, person(variant=variant, slots={"hero": block}), site)

    return shown


def test_a_variant_of_the_subject_changes_the_subject_alone(shown):
    plain, other = (shown('subject: "News, {{ first_name }}"', variant) for variant in ("plain", "other"))
    assert (plain.subject, other.subject) == ("Hello Maria", "News, Maria")
    assert plain.html == other.html


@pytest.mark.parametrize("blocks", ["{hero: garden}", "{hero: {near: garden}}"])
def test_a_variant_of_a_block_shows_its_own_for_the_rule_that_won(shown, blocks):
    garden = "{# tokens: #}\n<mj-text>In the garden</mj-text>\n"

    plain = shown(f"blocks: {blocks}", "plain", garden=garden)
    other = shown(f"blocks: {blocks}", "other", block="garden", garden=garden)

    assert "Around the corner" in plain.html and "In the garden" not in plain.html
    assert "In the garden" in other.html and "Around the corner" not in other.html
    assert "In the garden" in other.text


def test_a_block_of_one_rule_leaves_the_other_rules_theirs(write):
    campaign = write(
        campaign=with_variant("blocks: {hero: {near: garden}}"), garden="{# tokens: #}\n<mj-text>g</mj-text>\n"
    )
    assert [rule.block for rule in of_variant(campaign, "other").slots["hero"]] == ["garden", "far"]
    assert [rule.block for rule in campaign.slots["hero"]] == ["near", "far"]


def test_what_was_decided_for_one_variant_is_no_block_of_another(write, site):
    compiled = compile_campaign(
        write(campaign=with_variant("blocks: {hero: garden}"), garden="{# tokens: #}\n<mj-text>g</mj-text>\n")
    )
    with pytest.raises(RenderError, match="the decision for slot hero"):
        render(compiled, person(variant="other", slots={"hero": "near"}), site)


def test_a_variant_of_the_product_list_takes_it_in_the_place_of_the_campaigns(write):
    products = "uses_recommendations: {list: buy_again, count: 3}\n"
    campaign = write(campaign=with_variant("list: discover") + products)
    lists = [of_variant(campaign, name).uses_recommendations for name in ("plain", "other")]
    assert [(each.list, each.count) for each in lists] == [("buy_again", 3), ("discover", 3)]


def test_a_variant_of_the_whole_message_has_its_own_template_and_text(write, site):
    folder = write().folder
    (folder / "campaign.yml").write_text(with_variant("template: message_new.mjml.j2"))
    (folder / "message_new.mjml.j2").write_text(WHOLE)
    (folder / "message_new.txt.j2").write_text("All new, {{ first_name }}. {{ unsubscribe_url }} {{ postal_address }}")
    compiled = compile_campaign(load_campaign(folder))

    plain, other = (render(compiled, person(variant=variant), site) for variant in ("plain", "other"))

    assert "Dear Maria" in plain.html and "Dear Maria" in plain.text
    assert "Hi Maria, all new" in other.html
    assert other.text.startswith("All new, Maria.")
    assert lint(load_campaign(folder), COLUMNS, set()) == []


def test_a_campaign_with_one_variant_shows_it(write, site):
    only = "variants: [{name: other, weight: 1, blocks: {hero: far}}]\n"
    compiled = compile_campaign(write(campaign=CAMPAIGN + only))
    assert "By post" in render(compiled, person(variant="other", slots={"hero": "far"}), site).html


def test_only_what_differs_by_more_than_the_subject_is_compiled_apart(write):
    subject = write(campaign=with_variant("subject: News"))
    assert versions(subject) == [subject]
    assert compile_campaign(subject).variants == {}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("blocks: {herb: garden}", "the campaign has no slot herb. Did you mean hero?"),
        ("blocks: {hero: {neat: garden}}", "the slot hero has no rule neat. Did you mean near?"),
        ("list: discover", "the campaign uses no recommendations"),
        ("template: ../../secrets.mjml.j2", "must be a file of the campaign's folder"),
        ("template: message_new.mjml.j2", "there is no message_new.mjml.j2 beside campaign.yml"),
        ("sujbect: News", "is not a field here; remove it. Did you mean subject?"),
    ],
)
def test_a_variant_that_names_what_is_not_there_is_an_error_with_its_line(write, more, words):
    with pytest.raises(CampaignError, match=re.escape(words)) as error:
        write(campaign=with_variant(more))
    assert error.value.line == len(CAMPAIGN.splitlines()) + 1


@pytest.mark.parametrize("name", ["all", "holdout"])
def test_the_names_of_reports_own_arms_are_taken(write, name):
    with pytest.raises(CampaignError, match="reports call an arm of their own"):
        write(campaign=CAMPAIGN + f"variants: [{{name: {name}, weight: 1}}]\n")


def test_lint_reads_every_variant_and_points_at_the_one_that_is_wrong(write):
    campaign = write(campaign=with_variant("blocks: {hero: {near: garden}}"))
    found = [each for each in lint(campaign, COLUMNS, set()) if each.file == campaign.file]
    assert [(each.line, "there is no block garden.mjml.j2" in each.message) for each in found] == [
        (len(CAMPAIGN.splitlines()) + 1, True)
    ]


def test_a_token_that_one_variant_uses_is_used(write):
    folder = write().folder
    (folder / "campaign.yml").write_text(
        with_variant("template: message_new.mjml.j2").replace(
            "  gifts:", "  city: {type: text, fallback: your town}\n  gifts:"
        )
    )
    (folder / "message_new.mjml.j2").write_text(WHOLE.replace("all new", "in {{ city }}"))
    assert lint(load_campaign(folder), COLUMNS, set()) == []
    (folder / "message_new.mjml.j2").write_text(WHOLE)
    (finding,) = lint(load_campaign(folder), COLUMNS, set())
    assert "tokens.city is declared, but never used" in finding.message
