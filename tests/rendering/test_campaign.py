from __future__ import annotations

import pytest

from rendering.campaign import OF_JOURNEYS, load_campaigns
from rendering.errors import CampaignError
from rendering.parts import SendAt
from tests.rendering.conftest import CAMPAIGN


def test_the_shipped_campaigns_load_in_the_order_of_their_priority():
    names = [campaign.name for campaign in load_campaigns() if campaign.occurrence != OF_JOURNEYS]
    assert names == ["loyalty_reward", "event_invitation", "win_back", "onboarding"]


def test_a_campaign_of_journeys_has_no_audience_of_its_own(write):
    alone = CAMPAIGN.replace("audience: {segments: [everyone]}\n", "").replace("once", OF_JOURNEYS)
    assert write(campaign=alone).audience.segments == ()
    with pytest.raises(CampaignError, match="their steps decide who gets it"):
        write(campaign=CAMPAIGN.replace("once", OF_JOURNEYS))


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("priority: 1", "priority: high", 5, "whole number"),
        ("occurrence: once", "occurrence: weekli", 4, "Did you mean weekly?"),
        ("title: Small", "uses_events: maybe\ntitle: Small", 1, "expected true or false"),
        ("title: Small", "uses_events: true\ntitle: Small", 1, "no token says anything of the event"),
        ("gifts: {type: list, fallback: []}", "event_name: {type: text, fallback: it}", 1, "add uses_events: true"),
        ("title: Small\n", "", 1, "the field title is missing"),
        ("title: Small", "titel: Small\ntitle: Small", 1, "Did you mean title?"),
        ("title: Small", "title: Small\ntitle: Again", 2, "stands twice"),
        ("hello@shop.example.com", "nobody", 6, "not an e-mail address"),
        ("type: text", "type: txt", 12, "Did you mean text?"),
        ("https://shop.example.com", "http://shop.example.com", 8, "must be https"),
        ("segments: [everyone]", "segments: []", 3, "names no segment"),
        ("rule: rest", "rule: near", 16, "stands twice"),
        ('preheader: "For you"', "preheader: [", 12, "check quotes"),
        ("priority: 1", "priority: 1\nsend_at: best_our", 6, "Did you mean best_hour?"),
        ("priority: 1", "priority: 1\nsend_at: best_hour\nbetween: 20-8", 7, "the earlier first, such as 8-20"),
        ("priority: 1", "priority: 1\nsend_at: best_hour\nbetween: 8-25", 7, "two hours of a day"),
        ("priority: 1", "priority: 1\nbetween: 8-20", 6, "add send_at: best_hour"),
    ],
)
def test_an_error_names_the_file_the_line_and_the_remedy(write, was, becomes, line, says):
    with pytest.raises(CampaignError) as caught:
        write(campaign=CAMPAIGN.replace(was, becomes))

    assert caught.value.line == line
    assert caught.value.file.name == "campaign.yml"
    assert says in str(caught.value)


def test_a_campaign_may_ask_for_each_persons_best_hour_within_a_window(write):
    assert write().send_at is None
    assert write(campaign=CAMPAIGN + "send_at: best_hour\n").send_at == SendAt(0, 24)
    assert write(campaign=CAMPAIGN + "send_at: best_hour\nbetween: 8-20\n").send_at == SendAt(8, 20)


def test_a_recorded_rule_leads_to_its_block(write):
    assert write().block_of("hero", "rest") == "far"
