from __future__ import annotations

from datetime import timedelta

import pytest

from rendering.campaign import OF_JOURNEYS, load_campaigns
from rendering.errors import CampaignError
from rendering.pacing_parts import Pacing, QuietHours
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
        ("priority: 1", "priority: 1\ncap_per_day: 0", 6, "whole number from 1 up"),
        ("priority: 1", "priority: 1\ncap_per_week: many", 6, "whole number"),
        ("priority: 1", "priority: 1\nignores_caps: maybe", 6, "true or false"),
        ("priority: 1", "priority: 1\nignores_caps: true\ncap_per_day: 2", 7, "says nothing beside ignores_caps"),
        ("priority: 1", "priority: 1\nquiet_hours: 21-24", 6, "two hours from 0 to 23"),
        ("priority: 1", "priority: 1\nquiet_hours: 8-8", 6, "such as 21-8 (until 7:59), or none"),
        ("priority: 1", "priority: 1\nlifetime: 3 moons", 6, "3 days"),
        ("priority: 1", "priority: 1\nlifetime: 5 minutes", 6, "at least 1 hour"),
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


def test_a_campaign_may_have_caps_quiet_hours_and_a_lifetime_of_its_own(write):
    assert write().pacing == Pacing(lifetime=timedelta(weeks=2))
    own = "cap_per_day: 2\ncap_per_week: 9\nquiet_hours: 22-6\nlifetime: 36 hours\n"
    assert write(campaign=CAMPAIGN + own).pacing == Pacing(2, 9, False, QuietHours(22, 6), timedelta(hours=36))
    assert write(campaign=CAMPAIGN + "quiet_hours: none\n").pacing.quiet_hours == QuietHours(0, 0)
    assert write(campaign=CAMPAIGN + "ignores_caps: true\n").pacing.ignores_caps


@pytest.mark.parametrize(("occurrence", "days"), [("once", 14), ("daily", 1), ("weekly", 3), ("monthly", 7)])
def test_without_a_lifetime_of_its_own_a_message_has_that_of_its_rhythm(write, occurrence, days):
    assert write(campaign=CAMPAIGN.replace("once", occurrence)).pacing.lifetime == timedelta(days=days)


def test_a_campaign_of_journeys_has_no_lifetime_for_its_steps_say_how_late_they_may_be(write):
    alone = CAMPAIGN.replace("audience: {segments: [everyone]}\n", "").replace("once", OF_JOURNEYS)
    assert write(campaign=alone).pacing.lifetime is None
    with pytest.raises(CampaignError, match="at_most_late of their steps"):
        write(campaign=alone + "lifetime: 3 days\n")


def test_a_recorded_rule_leads_to_its_block(write):
    assert write().block_of("hero", "rest") == "far"
