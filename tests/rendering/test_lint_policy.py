"""The policy of what is said, and names that mean the same in every campaign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rendering.errors import CampaignError
from rendering.lint import lint
from rendering.lint_consistency import consistency_findings
from rendering.policy import Policy, load_policy
from tests.rendering.conftest import CAMPAIGN, MESSAGE
from tests.rendering.test_lint import COLUMNS

POLICY = Policy(2, frozenset(("first_name",)), ("we saw you", "your weight"))
TOKENS = "  first_name: {type: text, fallback: there}\n"
MORE = TOKENS + "".join(f"  {name}: {{type: text, fallback: x}}\n" for name in ("city", "region", "country"))


def places(campaign, policy=POLICY) -> list[tuple[str, int, str]]:
    return [(found.file.name, found.line, found.message) for found in lint(campaign, COLUMNS, set(), policy)]


def test_a_message_that_says_too_much_of_a_person_is_found(write):
    campaign = write(
        campaign=CAMPAIGN.replace(TOKENS, MORE),
        message=MESSAGE.replace("Dear", "{{ city }} {{ region }}"),
        near="{# tokens: country #}\n<mj-text>{{ country }}</mj-text>",
    )

    found = places(campaign)

    assert [(file, line) for file, line, message in found if "mention 4 facts" in message] == [("campaign.yml", 12)]
    assert "city, country, gifts, region" in found[0][2]
    assert places(campaign, Policy(4, POLICY.not_counted, ())) == []


def test_facts_are_counted_in_one_message_and_not_over_blocks_that_exclude_each_other(write):
    campaign = write(
        campaign=CAMPAIGN.replace(TOKENS, MORE.replace("  region: {type: text, fallback: x}\n", "")),
        near="{# tokens: country #}\n<mj-text>{{ country }}</mj-text>",
        far="{# tokens: city #}\n<mj-text>{{ city }}</mj-text>",
    )

    assert places(campaign) == []


@pytest.mark.parametrize(
    ("campaign", "message", "near", "where"),
    [
        (CAMPAIGN, MESSAGE.replace("Dear", "We saw\nyou there. Dear"), None, ("message.mjml.j2", 3)),
        (CAMPAIGN, MESSAGE, "{# tokens: #}\n<mj-text>About YOUR  WEIGHT</mj-text>", ("near.mjml.j2", 2)),
        (CAMPAIGN.replace("For you", "We saw you"), MESSAGE, None, ("campaign.yml", 10)),
        (CAMPAIGN, MESSAGE.replace("Dear", "{% set x = 'we saw you' %}{{ x }}"), None, ("message.mjml.j2", 3)),
    ],
)
def test_words_that_are_never_said_are_found_with_their_line(write, campaign, message, near, where):
    found = places(write(campaign=campaign, message=message, **({"near": near} if near else {})))

    assert [(file, line) for file, line, text in found if "never said" in text] == [where], found


def test_a_word_inside_another_is_no_forbidden_word(write):
    assert places(write(message=MESSAGE.replace("Dear", "Balance your weights. Dear"))) == []


def test_the_shipped_policy_can_be_read_and_a_wrong_one_names_its_line(tmp_path: Path):
    assert load_policy().most_personal_facts >= 1
    (tmp_path / "policy.yml").write_text("most_personal_facts: many\nnot_counted: []\nforbidden_words: []\n")
    with pytest.raises(CampaignError, match=r"policy\.yml:1: most_personal_facts: expected a whole number"):
        load_policy(tmp_path / "policy.yml")


def test_a_name_has_one_type_in_every_campaign(write: Callable):
    first, second = write(), write()
    odd = write(campaign=CAMPAIGN.replace("first_name: {type: text", "first_name: {type: list"))

    found = [each for each in consistency_findings([first, second, odd]) if each.severity == "error"]

    assert [(each.file, each.line) for each in found] == [(odd.file, 12)]
    assert "first_name is a list here and a text in small" in found[0].message


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        (
            TOKENS,
            TOKENS + "  frist_nam: {type: text, fallback: x}\n",
            13,
            "no column frist_nam. Did you mean first_name?",
        ),
        (TOKENS, TOKENS + "  location: {type: date, fallback: x}\n", 13, "location is a text in every campaign"),
        (TOKENS, TOKENS + "  recommendation_name_1: {type: text, fallback: x}\n", 13, "add uses_recommendations"),
        ("\"city = 'New York'\"", "\"city = 'a' and city = 'b'\"", 16, "near holds of nobody"),
        (
            "    - {rule: rest",
            "    - {rule: n2, when: \"city = 'New York' and first_name = 'x'\", block: far}\n    - {rule: rest",
            17,
            "whoever it holds of gets near",
        ),
    ],
)
def test_what_can_never_have_a_value_or_be_reached_is_found(write, was, becomes, line, says):
    found = places(write(campaign=CAMPAIGN.replace(was, becomes)))

    assert line in [at for file, at, message in found if says in message and file == "campaign.yml"], found


def test_a_block_that_nothing_uses_is_found(write):
    found = places(write(lonely="{# tokens: #}\n<mj-text>Nobody reads me</mj-text>"))

    assert found == [("lonely.mjml.j2", 1, "no slot and no include of the campaign uses this block; remove it.")]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("{{ '/go' | link }}", "#", "leads nowhere"),
        ("{{ '/go' | link }}", "", "leads nowhere"),
        ("Dear", '<img src="https://x.example.com/a.jpg" alt="a" width="9">Dear', "<img> has no height"),
    ],
)
def test_links_that_lead_nowhere_and_pictures_without_a_size_are_found(write, was, becomes, says):
    assert any(says in message for _, _, message in places(write(message=MESSAGE.replace(was, becomes))))


def test_an_empty_text_part_is_found(write):
    campaign = write(text="{% if gifts %}{{ unsubscribe_url }}{{ postal_address }}{% endif %}")

    assert any("the text part is empty" in message for _, _, message in places(campaign))
