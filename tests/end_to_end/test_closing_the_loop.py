"""What people and machines do with real messages that were sent is known in the next run."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import Sincerely
from tests.querying import rows

# Another month: the campaigns that go out monthly would write to everybody again.
_LATER = "2018-01-20T00:00:00Z"
_SHOP = "https://www.example.com"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


class Told:
    """A home in which a campaign's messages were sent, their events came back, and the next run took them in."""

    def __init__(self, home: Path) -> None:
        self.home = home
        # Those who got the most popular campaign, none of them also another person's address.
        found = rows(
            home,
            """
            select message_id, email, person_id, campaign, accepted_at
            from staging.stg_outbox__handovers
            where state = 'accepted' and campaign = (
                select campaign from staging.stg_outbox__handovers where state = 'accepted'
                group by campaign order by count(*) desc, campaign limit 1
            )
            order by message_id
            """,
        )
        self.campaign = str(found[0][3])
        names = ("reader", "scanned", "proxied", "leaver", "complainer", "gone", "blocked", "buyer")
        self.messages = dict(zip(names, found, strict=False))
        assert len(self.messages) == len(names), "the world is too small for this test"
        self._events: list[dict[str, object]] = []

    def message_id(self, name: str) -> str:
        return str(self.messages[name][0])

    def person_id(self, name: str) -> str:
        return str(self.messages[name][2])

    def happened(self, name: str, event: str, after_seconds: int, **more: object) -> None:
        """An event in SendGrid's shape, so many seconds after the handing over; opens and clicks by a browser."""
        message_id, email, _, _, accepted_at = self.messages[name]
        assert isinstance(accepted_at, datetime)
        if event in ("open", "click"):
            more.setdefault("useragent", _BROWSER)
        if event == "click":
            more["url"] = f"{_SHOP}{more['url']}?utm_source=mail&m={message_id}.signature"
        moment = int((accepted_at - datetime(1970, 1, 1)).total_seconds()) + after_seconds
        self._events.append(
            {
                "email": email, "timestamp": moment, "event": event, "sg_event_id": f"sg-{len(self._events)}",
                "sg_message_id": f"v{message_id}.filter", "message_id": message_id, **more,
            }
        )  # fmt: skip

    def land(self) -> None:
        """As a webhook's payloads lie in the landing zone: each twice, the last first."""
        folder = self.home / "landing" / "sendgrid" / "events"
        folder.mkdir(parents=True)
        lines = [json.dumps(event) + "\n" for event in reversed(self._events)]
        (folder / "webhook.jsonl").write_text("".join(line for line in lines for _ in range(2)), encoding="utf-8")

    def land_complaints_about_what_another_system_sent(self) -> None:
        """Sixty messages of the campaign, of which three were called spam."""
        who = [(f"h{n}", f"stranger.{n}@example.org") for n in range(60)]
        messages = [
            {"message_id": key, "email": email, "campaign": self.campaign, "variant": "before", "sent_at": "2018-01-10"}
            for key, email in who
        ]
        events = [
            {
                "event_id": f"{key}-{event}",
                "event": event,
                "email": email,
                "message_id": key,
                "occurred_at": "2018-01-11",
            }
            for number, (key, email) in enumerate(who)
            for event in ("delivered", "complained")[: 2 if number % 20 == 0 else 1]
        ]
        for label, lines in (("esp/messages", messages), ("esp/events", events)):
            path = self.home / "landing" / label / "history.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture(scope="module")
def told(
    built: tuple[Path, subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Told, subprocess.CompletedProcess[str]]:
    from tests.conftest import run_sincerely

    home = tmp_path_factory.mktemp("loop") / "home"
    shutil.copytree(built[0], home)
    told = Told(home)
    for name in told.messages:
        if name not in ("gone", "blocked"):
            told.happened(name, "delivered", 10)
    told.happened("reader", "open", 4_000)
    for number in range(3):
        told.happened("reader", "click", 4_060 + 200 * number, url=f"/{number}")
    for number in range(4):
        told.happened("scanned", "click", 60, url=f"/{number}")
    told.happened("proxied", "open", 40, sg_machine_open=True, useragent="Mozilla/5.0")
    told.happened("leaver", "open", 5_000)
    told.happened("leaver", "group_unsubscribe", 5_100, asm_group_id=3)
    told.happened("complainer", "spamreport", 6_000)
    told.happened("gone", "bounce", 11, type="bounce", reason="550 5.1.1 no such user")
    told.happened("blocked", "bounce", 11, type="blocked", reason="421 4.7.0 busy")
    told.land()
    told.land_complaints_about_what_another_system_sent()
    return told, run_sincerely(home, "run", "--as-of", _LATER)


def test_the_next_run_takes_in_what_came_back(told: tuple[Told, subprocess.CompletedProcess[str]]) -> None:
    it, done = told
    assert done.stdout.count("problem ") == 1, done.stdout + done.stderr
    counted = rows(
        it.home,
        """
        select
            sum(delivered), sum(unique_opens), sum(unique_human_opens), sum(unique_clicks), sum(unique_human_clicks),
            sum(unsubscribes), sum(complaints)
        from measurement.campaign_results where campaign = ?
        """,
        [it.campaign],
    )
    assert counted == [(6 + 60, 3, 2, 2, 1, 1, 1 + 3)]


def test_machines_are_told_from_people_with_the_sign_of_it(
    told: tuple[Told, subprocess.CompletedProcess[str]],
) -> None:
    it, _ = told
    found = rows(
        it.home,
        """
        select message_id, event, machine_reason, count(*), count(distinct link)
        from core.email_events
        where event in ('opened', 'clicked') and message_id in (select unnest(?))
        group by all order by all
        """,
        [[it.message_id(name) for name in it.messages]],
    )
    assert sorted(found, key=str) == sorted(
        [
            (it.message_id("reader"), "opened", None, 1, 0),
            (it.message_id("reader"), "clicked", None, 3, 3),
            (it.message_id("scanned"), "clicked", "links_at_once", 4, 4),
            (it.message_id("proxied"), "opened", "vendor", 1, 0),
            (it.message_id("leaver"), "opened", None, 1, 0),
        ],
        key=str,
    )
    acts = rows(
        it.home,
        """
        select person_id, activity, count(*)
        from core.activity
        where channel = 'email' and occurred_at >= '2017-12-31' and person_id in (?, ?)
        group by all
        """,
        [it.person_id("reader"), it.person_id("scanned")],
    )
    assert sorted(acts) == sorted(
        [
            (it.person_id("reader"), "email_clicked", 3),
            (it.person_id("reader"), "email_opened", 1),
            (it.person_id("scanned"), "email_clicked_by_machine", 4),
        ]
    )


def test_only_what_people_did_puts_them_into_segments(told: tuple[Told, subprocess.CompletedProcess[str]]) -> None:
    it, _ = told
    found = rows(
        it.home,
        "select person_id from core.segment_memberships where segment = 'clicked_recently' and person_id in (?, ?)",
        [it.person_id("reader"), it.person_id("scanned")],
    )
    assert found == [(it.person_id("reader"),)]
    ((reader,), (scanned,)) = (
        rows(it.home, "select last_activity_at from core.profiles where person_id = ?", [it.person_id(name)])[0]
        for name in ("reader", "scanned")
    )
    assert isinstance(reader, datetime) and reader >= datetime(2017, 12, 31)
    assert scanned is None or (isinstance(scanned, datetime) and scanned < datetime(2017, 12, 31))


def test_who_left_complained_or_is_gone_is_suppressed_and_never_planned_again(
    told: tuple[Told, subprocess.CompletedProcess[str]],
) -> None:
    it, _ = told
    suppressed = dict(rows(it.home, "select person_id, suppression_reason from core.contactability"))
    assert {name: suppressed[it.person_id(name)] for name in it.messages} == {
        "reader": None, "scanned": None, "proxied": None, "blocked": None, "buyer": None,
        "leaver": "unsubscribed", "complainer": "complained", "gone": "bounced",
    }  # fmt: skip
    gone = [it.person_id(name) for name in ("leaver", "complainer", "gone")]
    left_out = rows(
        it.home,
        "select person_id from delivery.exclusions "
        "where campaign = ? and occurrence = '2018-01' and reason = 'suppressed'",
        [it.campaign],
    )
    assert {row[0] for row in left_out} >= set(gone)
    planned = rows(
        it.home, "select distinct person_id from raw.outbox_handovers where planned_at > '2018-01-15' order by all"
    )
    assert planned and not {row[0] for row in planned} & set(gone)


def test_why_says_so(told: tuple[Told, subprocess.CompletedProcess[str]], sincerely: Sincerely) -> None:
    it, _ = told
    done = sincerely(it.home, "why", str(it.messages["leaver"][1]), it.campaign)
    assert "unsubscribed" in done.stdout, done.stdout + done.stderr


def test_a_campaign_with_too_many_complaints_is_held_in_the_run_that_hears_of_them(
    told: tuple[Told, subprocess.CompletedProcess[str]], sincerely: Sincerely
) -> None:
    it, done = told
    words = f"{it.campaign} is paused: 4 of 66 who got it in the last 30 days complained: 6.06 %, more than 0.3 %"
    assert done.returncode == 1 and f"problem {words}" in done.stdout, done.stdout + done.stderr
    assert words in sincerely(it.home, "status").stdout
    waiting = (
        "select count(*) from core.message_candidates where campaign = ? and exclusion_reason is null "
        "and not is_planned"
    )
    ((count,),) = rows(it.home, waiting, [it.campaign])
    assert isinstance(count, int) and count > 20
    put_off = "select count(*) from raw.message_deferrals where campaign = ? and reason = 'gate'"
    assert rows(it.home, put_off, [it.campaign]) == [(count,)]
    later = "select count(*) from delivery.messages where campaign = ? and planned_at > '2018-01-15'"
    assert rows(it.home, later, [it.campaign]) == [(0,)]
