"""Suppression lists are alike here and at SendGrid after a sync, whatever happened on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.delivery.suppression_lists.sendgrid import SuppressionLists
from orchestration.delivery.suppression_lists.syncing import Synced, sync
from orchestration.errors import DeliveryError, SettingsError
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from tests.building import land
from tests.conftest import ROOT, SECRET, Sincerely
from tests.esp.suppression_api import API_KEY, SuppressionApi, suppression_api


@pytest.fixture
def api() -> Iterator[SuppressionApi]:
    with suppression_api() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home that suppresses three addresses."""
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    ours = pa.table({"email": [f"ours.{n}@example.com" for n in range(3)]})
    Warehouse(settings.warehouse).replace("core.suppressed_emails", ours)
    return settings


class Waits:
    """Sleeps for nobody, and remembers how long it should have."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def synced(settings: Settings, api: SuppressionApi, key: str = API_KEY, waits: Waits | None = None) -> Synced:
    lists = SuppressionLists(key, api.url, sleep=waits or Waits())
    try:
        return sync(settings, lists)
    finally:
        lists.close()


def landed(settings: Settings) -> list[tuple[str, str]]:
    land(settings)
    rows = Warehouse(settings.warehouse).rows("select list, email from raw.sendgrid_suppressions order by all")
    return [(row["list"], row["email"]) for row in rows]


def test_what_is_on_their_lists_lands_and_what_only_we_know_is_added_to_theirs(
    settings: Settings, api: SuppressionApi
) -> None:
    api.fill("bounces", 1_203)
    api.fill("blocks", 2)
    api.fill("spam_reports", 1)
    api.lists["unsubscribes"] = [{"created": 1_500_000_000, "email": "Ours.1@example.com"}]
    assert synced(settings, api) == Synced(theirs=1_207, received=1_207, added=2)
    assert len(landed(settings)) == 1_207
    assert api.emails("unsubscribes") == ["Ours.1@example.com", "ours.0@example.com", "ours.2@example.com"]


def test_a_second_sync_brings_only_what_is_new(settings: Settings, api: SuppressionApi) -> None:
    api.fill("bounces", 3)
    synced(settings, api)
    landed(settings)
    api.fill("spam_reports", 2)
    again = synced(settings, api)
    # The addresses that we added are on their list now.
    assert (again.received, again.added) == (2 + 3, 0)
    assert len(landed(settings)) == 3 + 5
    assert synced(settings, api) == Synced(theirs=8)


def test_a_block_is_no_suppression_and_their_pages_may_be_smaller_than_asked(
    settings: Settings, api: SuppressionApi
) -> None:
    api.page_rows = 7
    api.lists["blocks"] = [{"created": 1, "email": "ours.0@example.com", "reason": "421 busy"}]
    api.fill("invalid_emails", 40)
    assert synced(settings, api) == Synced(theirs=41, received=41, added=3)


def test_what_fails_for_a_while_is_asked_again_and_as_late_as_it_says(settings: Settings, api: SuppressionApi) -> None:
    api.fill("bounces", 600)
    api.faults.extend([("wait", 7), 500, "drop", "malformed", "cut", None, 503, ("wait", 2)])
    waits = Waits()
    assert synced(settings, api, waits=waits) == Synced(theirs=600, received=600, added=3)
    assert len(waits.seconds) == 7
    assert {7.0, 2.0} <= set(waits.seconds)


def test_a_post_without_an_answer_is_made_again(settings: Settings, api: SuppressionApi) -> None:
    api.faults.extend([None] * 5 + ["drop", 502])
    assert synced(settings, api).added == 3
    assert api.emails("unsubscribes") == [f"ours.{n}@example.com" for n in range(3)]


def test_an_address_that_they_refuse_keeps_no_other_out(settings: Settings, api: SuppressionApi) -> None:
    ours = pa.table({"email": [f"ours.{n:03}@example.com" for n in range(700)]})
    Warehouse(settings.warehouse).replace("core.suppressed_emails", ours)
    api.refuses = {"ours.123@example.com"}
    assert synced(settings, api) == Synced(added=699, refused=1)
    assert len(api.emails("unsubscribes")) == 699
    assert max(api.posted) <= 500


@pytest.mark.parametrize("fault", [500, "malformed", ("wait", 3_600)])
def test_what_does_not_pass_ends_the_sync_and_adds_nothing(
    settings: Settings, api: SuppressionApi, fault: object
) -> None:
    api.fill("bounces", 600)
    api.faults.extend([None, *[fault] * 20])
    with pytest.raises(DeliveryError, match="the next sync does the rest") as error:
        synced(settings, api)
    assert "@" not in str(error.value)
    assert not list(settings.landing.glob("sendgrid/*/*"))
    api.faults.clear()
    assert synced(settings, api).received == 600


def test_a_wrong_key_and_none_are_named(settings: Settings, api: SuppressionApi) -> None:
    with pytest.raises(DeliveryError, match="SINCERELY_SENDGRID_API_KEY"):
        synced(settings, api, key="SG.wrong")
    with pytest.raises(SettingsError, match="SINCERELY_SENDGRID_API_KEY is not set"):
        synced(settings, api, key="")


def test_a_server_that_knows_no_pages_does_not_keep_us_for_ever(settings: Settings, api: SuppressionApi) -> None:
    api.fill("bounces", 3)
    lists = SuppressionLists(API_KEY, api.url)
    paged = lists._page
    lists._page = lambda name, offset: paged(name, 0)  # type: ignore[method-assign]
    assert len(list(lists.entries("bounces"))) == 3
    api.fill("bounces", 600)
    with pytest.raises(DeliveryError, match="same page of bounces twice"):
        list(lists.entries("bounces"))
    lists.close()


def test_a_sync_killed_anywhere_is_made_whole_by_the_next(
    settings: Settings, api: SuppressionApi, sincerely: Sincerely
) -> None:
    api.fill("bounces", 1_100)
    api.fill("unsubscribes", 5)
    environ = {"SINCERELY_SENDGRID_API_KEY": API_KEY, "SINCERELY_SENDGRID_URL": api.url}
    # On its first page, on a later list, and with the file there, while our addresses are on their way.
    for requests in (1, 5, 10):
        api.requests.clear()
        api.faults.clear()
        api.faults.extend([*[None] * (requests - 1), ("hang", 30)])
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("sincerely")), "suppressions", "sync"],
            env={**os.environ, "SINCERELY_HOME": str(settings.home), "SINCERELY_SECRET": SECRET, **environ},
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while len(api.requests) < requests:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    api.faults.clear()
    done = sincerely(settings.home, "suppressions", "sync", "--json", **environ)
    assert done.returncode == 0, done.stderr
    assert {**json.loads(done.stdout), "added": 0} == {"theirs": 1_105, "received": 1_105, "added": 0, "refused": 0}
    assert len(landed(settings)) == 1_105
    assert len(api.emails("unsubscribes")) == 8
