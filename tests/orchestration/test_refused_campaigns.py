"""What an ESP cannot send is an error of the campaign's lint, not something that it drops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.delivery import linting
from orchestration.delivery.esp.choice import refusals
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.parts import Sender

CAMPAIGN = load_campaign(CAMPAIGNS / "win_back")


@pytest.mark.parametrize(
    ("esp", "sender", "words"),
    [
        ("sendgrid", Sender("Market, the", "hello@market.example.com", None), "no ; or ,"),
        ("sendgrid", Sender("Market", "hello@märkt.example.com", None), "only ASCII"),
        ("smtp", Sender("Market", "hello@märkt.example.com", None), "only ASCII"),
        ("mailchimp", CAMPAIGN.sender, "no messages that are rendered here"),
    ],
)
def test_the_campaign_is_held_with_the_line_of_its_sender(esp: str, sender: Sender, words: str) -> None:
    (error,) = linting.errors(replace(CAMPAIGN, sender=sender), esp)
    assert f"campaign.yml:{CAMPAIGN.lines['sender']}: " in error
    assert words in error


@pytest.mark.parametrize("esp", ["folder", "smtp", "sendgrid"])
def test_a_sound_campaign_is_sent_by_each(esp: str) -> None:
    assert refusals(esp, CAMPAIGN) == []
    assert linting.errors(CAMPAIGN, esp) == []
