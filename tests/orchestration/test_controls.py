"""What a person decides about a campaign holds at once, also under a send that is running."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.delivery.controls import CANCELLED, EVERY_OCCURRENCE, PAUSED, RUNNING, Controls, Release
from orchestration.delivery.esp.folder import FolderEsp
from orchestration.delivery.holding import holding
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.planner import occurrence_of
from orchestration.delivery.sender import Sent, send
from rendering.campaign import Campaign, load_campaigns
from tests.orchestration.test_outbox import payload
from tests.servers import Postgres

NOW = datetime(2018, 1, 1, 7, 30, tzinfo=UTC)
BATCHES = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'outbox.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"controls_{abs(hash(request.node.name))}"
    server.execute(f"create database {name}")
    yield server.url(name).replace("postgresql://", "postgresql+psycopg://")
    server.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return next(each for each in load_campaigns() if each.occurrence == "monthly")


def message(campaign: Campaign, occurrence: str, number: int) -> Planned:
    name = f"{occurrence}-{number}"
    content = payload(number)._replace(message_id=name, campaign=campaign.name, occurrence=occurrence)
    return Planned(name, campaign.name, occurrence, f"p{number}", None, payload=content)


def planned(outbox: Outbox, campaign: Campaign, occurrence: str) -> None:
    """So many batches of one message each."""
    for number in range(BATCHES):
        outbox.plan([message(campaign, occurrence, number)], NOW)


def test_a_pause_holds_from_the_next_batch_on_and_what_it_held_leaves_when_it_ends(
    url: str, tmp_path: Path, campaign: Campaign
) -> None:
    outbox, controls, esp = Outbox(url), Controls(url), FolderEsp(tmp_path / "mail")
    planned(outbox, campaign, "2018-01")
    held = holding(controls, (), [campaign], NOW)

    def pause(_: Sent) -> None:
        controls.decide(campaign.name, [EVERY_OCCURRENCE], PAUSED, "ada", NOW)

    assert send(outbox, esp, NOW, on_batch=pause, held=held).accepted == 1
    assert send(outbox, esp, NOW, held=held).accepted == 0
    assert [(each.campaign, each.control, each.decided_by) for each in controls.in_force()] == [
        (campaign.name, "paused", "ada")
    ]
    controls.decide(campaign.name, [EVERY_OCCURRENCE], RUNNING, "ada", NOW)
    assert controls.in_force() == []
    assert send(outbox, esp, NOW, held=held).accepted == BATCHES - 1


def test_what_is_cancelled_under_a_send_is_withdrawn_and_the_next_occurrence_leaves(
    url: str, tmp_path: Path, campaign: Campaign
) -> None:
    outbox, controls, esp = Outbox(url), Controls(url), FolderEsp(tmp_path / "mail")
    occurrence = occurrence_of(campaign, NOW)
    planned(outbox, campaign, occurrence)
    withdrawn = []

    def cancel(_: Sent) -> None:
        controls.decide(campaign.name, [occurrence], CANCELLED, "ada", NOW)
        withdrawn.append(controls.withdraw(campaign.name))

    sent = send(outbox, esp, NOW, on_batch=cancel, held=holding(controls, (), [campaign], NOW))

    assert (sent.accepted, withdrawn) == (1, [BATCHES - 1])
    found = [row for row in outbox.read_all().read_all().to_pylist() if row["state"] == "rejected"]
    assert {row["error"] for row in found} == {"cancelled"} and len(found) == BATCHES - 1
    # A run that was planning meanwhile has written more of it down: it does not leave either.
    outbox.plan([message(campaign, occurrence, BATCHES)], NOW)
    assert send(outbox, esp, NOW, held=holding(controls, (), [campaign], NOW)).accepted == 0
    assert controls.withdraw_cancelled() == 1
    later = datetime(2018, 2, 1, tzinfo=UTC)
    planned(outbox, campaign, occurrence_of(campaign, later))
    assert send(outbox, esp, later, held=holding(controls, (), [campaign], later)).accepted == BATCHES


def test_what_the_gate_holds_waits(url: str, tmp_path: Path, campaign: Campaign) -> None:
    outbox, controls = Outbox(url), Controls(url)
    planned(outbox, campaign, "2018-01")
    held = holding(controls, [campaign.name], [campaign], NOW)
    assert send(outbox, FolderEsp(tmp_path / "mail"), NOW, held=held).accepted == 0


def test_a_release_is_kept_with_who_when_and_why(url: str) -> None:
    release = Release("hello", "2018-01", "audience", "2018-01", "A new shop.", "ada", datetime(2018, 1, 1, 7, 30))
    Controls(url).release(release)
    assert Controls(url).releases() == [release]
