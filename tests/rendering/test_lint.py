from __future__ import annotations

import pytest

from rendering.campaign import load_campaigns
from rendering.lint import lint
from tests.rendering.conftest import CAMPAIGN, MESSAGE

COLUMNS = {"city", "first_name", "lifecycle_stage", "viewed_category", "recent_product_name", "gifts", "region"}
COLUMNS |= {"country", "favourite_category", "orders_count", "total_spent_amount", "last_ordered_at", "signed_up_at"}


@pytest.mark.parametrize("campaign", load_campaigns(), ids=lambda campaign: campaign.name)
def test_the_shipped_campaigns_have_nothing_to_mend(campaign):
    assert lint(campaign, COLUMNS, {"churn_probability"}) == []


def test_a_sound_campaign_has_no_findings(write):
    assert lint(write(), COLUMNS, set()) == []


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("{{ first_name }}", "{{ frist_name }}", 3, "Did you mean first_name?"),
        ("{{ first_name }}", "{{ first_name", 3, "never closed"),
        ("{{ unsubscribe_url }}", "https://x.example.com", 1, "HTML has no link to unsubscribe"),
        (" {{ postal_address }}", "", 1, "text has no postal address"),
        ("<mj-button", '<mj-image src="https://x.example.com/a.png" width="20px" /><mj-button', 4, "no alt"),
        ("Dear", '<img alt="" src="https://x.example.com/a.png">Dear', 3, "no width"),
        ("{{ '/go' | link }}", "http://x.example.com", 4, "not https"),
        ("{{ '/go' | link }}", "{{ first_name }}", 4, "must end with | link"),
        ("{{ '/go' | link }}", "https://x.example.com/{{ first_name }}", 4, "must be one value"),
        ("Dear", '<b style="color:{{ first_name }}">x</b>', 3, "may not stand in style"),
        ('{% slot "hero" %}', '{% include "nothing" %}', 2, "there is no block nothing"),
        ("{{ gift.name }}", "{{ gift.nme }}", 1, "does not render"),
        ("Dear", "x" * 95_000, 1, "cut it beyond 90 KB"),
    ],
)
def test_a_fault_of_the_template_is_found_with_its_line(write, was, becomes, line, says):
    findings = lint(write(message=MESSAGE.replace(was, becomes)), COLUMNS, set())

    assert [f.line for f in findings if says in f.message and f.file.name == "message.mjml.j2"] == [line], findings


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("city = 'New York'", "town = 'New York'", 16, "no column town"),
        ("block: near", "block: nera", 16, "there is no block nera"),
        (
            "    - {rule: rest",
            "    - {rule: n2, when: \"CITY = 'New York'\", block: far}\n    - {rule: rest",
            17,
            "never reached",
        ),
        ("block: near}", "block: near}\n    - {rule: mid, block: far}", 17, "must come last"),
        ("city = 'New York'", "exists (select 1)", 16, "does not belong in a rule"),
        ("  gifts:", "  unused: {type: text, fallback: x}\n  gifts:", 13, "never used"),
        (", fallback: there", "", 12, "has no fallback"),
        (
            "Hello {{",
            "Hello and welcome to this quite long line of words that nobody reads to its end {{",
            9,
            "the subject has",
        ),
        ("Hello {{ first_name }}", "Hello {{ frist_name }}", 9, "Did you mean first_name?"),
        ("Hello {{ first_name }}", "Hello {{ first_name", 9, "unexpected end"),
    ],
)
def test_a_fault_of_the_campaign_is_found_with_its_line(write, was, becomes, line, says):
    findings = lint(write(campaign=CAMPAIGN.replace(was, becomes)), COLUMNS, set())

    assert line in [f.line for f in findings if says in f.message and f.file.name == "campaign.yml"], findings


def test_a_sensitive_field_may_decide_but_not_be_printed(write):
    assert lint(write(), COLUMNS, {"city"}) == []

    findings = lint(write(), COLUMNS, {"first_name"})

    assert {(f.file.name, f.line) for f in findings} >= {
        ("message.mjml.j2", 3),
        ("campaign.yml", 9),
        ("campaign.yml", 12),
    }


def test_a_block_lists_its_tokens_at_its_head(write):
    findings = lint(write(near="<mj-text>{{ first_name }}</mj-text>"), COLUMNS, set())

    assert [(f.file.name, f.severity) for f in findings] == [("near.mjml.j2", "warning")]


def test_a_finding_reads_as_a_place_and_a_remedy(write):
    finding = lint(write(campaign=CAMPAIGN.replace(", fallback: there", "")), COLUMNS, set())[0]

    assert str(finding).endswith(
        "campaign.yml:12: warning: tokens.first_name has no fallback: people without it get no message; add one."
    )
