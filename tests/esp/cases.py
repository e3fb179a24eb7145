"""What every adapter keeps. A new one's tests inherit `AdapterCases` and say how to reach its fake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from orchestration.delivery.esp.base import Esp
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.sender import Sent, send
from orchestration.delivery.throttle import Patience
from orchestration.errors import DeliveryError
from rendering.payload import Payload
from tests.esp.sendgrid import OWN_TEMPLATE_ID

NOW = datetime(2018, 1, 1, tzinfo=UTC)
HASTY = Patience(first_wait=timedelta(milliseconds=1), longest_wait=timedelta(milliseconds=5), retries_per_campaign=4)


def payload(number: int, campaign: str = "hello", size: int = 10, email: str | None = None) -> Payload:
    """A small message of its own to a person of their own."""
    message_id = f"{campaign}-{number}"
    return Payload(
        message_id=message_id, person_id=f"p{number}", campaign=campaign, occurrence="once", variant=None,
        to_email=email or f"person.{number}@example.com", from_name="Shop", from_email="shop@example.com",
        reply_to="help@example.com", subject=f"Grüße {number}", html=f"<p>Hallo {number}</p>" + "x" * size,
        text=f"Hallo {number}\n.\n..\nEnde\n",
        headers=(
            ("List-Unsubscribe", f"<https://example.com/unsubscribe/{message_id}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("X-Sincerely-Message-Id", message_id),
        ),
    )  # fmt: skip


def plan(outbox: Outbox, payloads: Sequence[Payload]) -> None:
    """Writes messages down as one batch."""
    planned = [
        Planned(each.message_id, each.campaign, each.occurrence, each.person_id, None, payload=each)
        for each in payloads
    ]
    outbox.plan(planned, NOW.replace(tzinfo=None))


def states(outbox: Outbox) -> dict[str, int]:
    """How many messages there are by state."""
    found: Counter[str] = Counter()
    for (_, state), count in outbox.counts().items():
        found[state] += count
    return dict(found)


def errors(outbox: Outbox) -> dict[str, str]:
    """What is noted of each message that has an error."""
    return {row["message_id"]: row["error"] for row in outbox.read_all().read_all().to_pylist() if row["error"]}


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")


class AdapterCases:
    """The cases that adapters have in common. `esp` is the adapter, and `taken` how often its ESP took each message."""

    @pytest.fixture
    def esp(self) -> Esp:
        raise NotImplementedError

    def taken(self) -> Counter[str]:
        raise NotImplementedError

    def refuse(self, address: str) -> None:
        """Makes the ESP refuse one address for good."""
        raise NotImplementedError

    def sent(self, outbox: Outbox, esp: Esp) -> Sent:
        return send(outbox, esp, NOW, patience=HASTY)

    def test_every_message_is_taken_once(self, outbox: Outbox, esp: Esp) -> None:
        plan(outbox, [payload(number) for number in range(25)])
        plan(outbox, [payload(number, "again") for number in range(25)])
        assert self.sent(outbox, esp).accepted == 50
        assert states(outbox) == {"accepted": 50}
        assert len(self.taken()) == 50
        assert set(self.taken().values()) == {1}

    def test_messages_to_one_address_are_all_sent(self, outbox: Outbox, esp: Esp) -> None:
        plan(outbox, [payload(number, email="Family@example.com") for number in range(3)])
        assert self.sent(outbox, esp).accepted == 3
        assert set(self.taken().values()) == {1}

    def test_a_refused_message_is_rejected_alone(self, outbox: Outbox, esp: Esp) -> None:
        self.refuse("person.3@example.com")
        plan(outbox, [payload(number) for number in range(8)])
        sent = self.sent(outbox, esp)
        assert (sent.accepted, sent.rejected) == (7, 1)
        assert list(errors(outbox)) == ["hello-3"]
        assert "person.3" not in errors(outbox)["hello-3"]

    def test_what_was_withdrawn_or_has_expired_is_not_given_to_it(self, outbox: Outbox, esp: Esp) -> None:
        plan(outbox, [payload(1), payload(2)])
        expired = payload(3)
        outbox.plan(
            [
                Planned(
                    expired.message_id, "hello", "once", "p3", None, payload=expired,
                    expires_at=(NOW - timedelta(hours=1)).replace(tzinfo=None),
                )
            ],
            NOW.replace(tzinfo=None),
        )  # fmt: skip
        send(outbox, esp, NOW, revoked={"hello-1": "no_consent"}, patience=HASTY)
        assert set(self.taken()) == {"hello-2"}
        assert errors(outbox) == {"hello-1": "no_consent", "hello-3": "expired"}

    def test_a_campaign_held_meanwhile_gives_it_no_further_batch(self, outbox: Outbox, esp: Esp) -> None:
        for number in range(4):
            plan(outbox, [payload(number)])
        held: set[str] = set()
        send(outbox, esp, NOW, held=lambda: held, on_batch=lambda _: held.add("hello"), patience=HASTY)
        # Those that other connections had taken by then still go.
        assert 1 <= len(self.taken()) <= esp.limits.connections
        assert send(outbox, esp, NOW, held=held, patience=HASTY).accepted == 0

    def test_merge_data_goes_only_to_who_fills_templates_in(self, outbox: Outbox, esp: Esp) -> None:
        merged = payload(2)._replace(html="", text="", template_id=OWN_TEMPLATE_ID, data=b'{"subject":"Hello"}')
        plan(outbox, [payload(1), merged, payload(3)])
        sent = self.sent(outbox, esp)
        waits = set() if esp.fills_templates else {"hello-2"}
        assert (sent.accepted, sent.left) == (3 - len(waits), len(waits))
        assert set(self.taken()) == {"hello-1", "hello-2", "hello-3"} - waits
        assert errors(outbox).keys() == waits
        assert states(outbox) == {"accepted": 2, "planned": 1} if waits else {"accepted": 3}

    def test_merge_data_that_it_cannot_fill_in_is_planned_still_when_the_rest_breaks(
        self, outbox: Outbox, esp: Esp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> NoReturn:
            raise DeliveryError("nothing goes")

        merged = payload(2)._replace(html="", text="", template_id=OWN_TEMPLATE_ID, data=b'{"subject":"Hello"}')
        plan(outbox, [payload(1), merged])
        monkeypatch.setattr(esp, "hand_over", broken)
        with pytest.raises(DeliveryError, match="nothing goes"):
            self.sent(outbox, esp)
        assert states(outbox) == {"planned": 2}

    def test_what_it_cannot_send_is_said_of_no_sound_campaign(self, esp: Esp) -> None:
        from rendering.campaign import load_campaigns

        assert {reason for campaign in load_campaigns() for reason in esp.refuses(campaign)} == set()
