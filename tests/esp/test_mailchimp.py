"""An audience at Mailchimp follows the warehouse, by what changed alone, and reverses nobody's unsubscribing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from orchestration.delivery import audience
from orchestration.delivery.audience import Synced, sync
from orchestration.delivery.audience_members import Members
from orchestration.delivery.esp.base import EspError
from orchestration.delivery.esp.choice import refusals
from orchestration.delivery.esp.mailchimp import Mailchimp
from orchestration.delivery.handing_over import hand_over
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.throttle import Patience
from orchestration.errors import DeliveryError, SettingsError
from orchestration.settings import DBT_PROJECT, DEMO_SECRET, Settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaigns
from tests.esp.cases import NOW
from tests.esp.faults import DROPPED, Throttled
from tests.esp.mailchimp import API_KEY, BARE_403, LIST_ID, FakeMailchimp, mailchimp

_PROFILES = pa.schema(
    [
        *((name, pa.string()) for name in ("person_id", "email", "first_name", "city", "region", "country")),
        *((name, pa.string()) for name in ("lifecycle_stage", "engagement_level")),
        ("orders_count", pa.int64()),
        ("total_spent_amount", pa.decimal128(18, 2)),
        *((name, pa.string()) for name in ("recent_product_name", "favourite_category")),
        ("can_email", pa.bool_()),
    ]
)
_MEMBERSHIPS = pa.schema([("segment", pa.string()), ("person_id", pa.string())])
HASTY = Patience(first_wait=timedelta(milliseconds=1), longest_wait=timedelta(milliseconds=5), retries_per_campaign=20)


@pytest.fixture
def fake() -> Iterator[FakeMailchimp]:
    with mailchimp() as server:
        yield server


class Home:
    """A warehouse with the few tables that an audience is made of."""

    def __init__(self, folder: Path, fake: FakeMailchimp) -> None:
        self.fake = fake
        self.settings = Settings(
            home=folder, esp="mailchimp", outbox_url=f"sqlite:///{folder / 'outbox.sqlite'}",
            mailchimp_api_key=API_KEY, mailchimp_list_id=LIST_ID, mailchimp_url=fake.url,
        )  # fmt: skip
        self.warehouse = Warehouse(folder / "warehouse.duckdb")
        self.people: dict[int, dict[str, Any]] = {}
        self.segments: dict[str, set[int]] = {}

    def person(self, number: int, **values: Any) -> None:
        self.people[number] = {
            "person_id": f"p{number}", "email": f"person.{number}@example.com", "first_name": f"Ada {number}",
            "lifecycle_stage": "repeat_buyer", "orders_count": number, "total_spent_amount": Decimal("12.50"),
            "can_email": True, **self.people.get(number, {}), **values,
        }  # fmt: skip

    def sync(self) -> Synced:
        rows = [{"segment": name, "person_id": f"p{each}"} for name, ids in self.segments.items() for each in ids]
        self.warehouse.replace("core.profiles", pa.Table.from_pylist(list(self.people.values()), _PROFILES))
        self.warehouse.replace("core.segment_memberships", pa.Table.from_pylist(rows, _MEMBERSHIPS))
        return sync(self.settings, self.warehouse, NOW, Mailchimp(API_KEY, LIST_ID, self.fake.url, HASTY))


@pytest.fixture
def home(tmp_path: Path, fake: FakeMailchimp) -> Home:
    home = Home(tmp_path, fake)
    for number in range(3):
        home.person(number)
    home.segments = {"repeat_buyers": {0, 1}, "women": {0}}
    return home


def test_people_their_profiles_and_segments_arrive(home: Home, fake: FakeMailchimp) -> None:
    assert home.sync() == Synced(added=3, tagged=2)
    assert set(fake.statuses().values()) == {"subscribed"}
    values = {member.email: member.merge_fields for member in fake.members.values()}["person.1@example.com"]
    assert (values["FNAME"], values["STAGE"], values["ORDERS"], values["CITY"]) == ("Ada 1", "repeat_buyer", 1, "")
    # Segments that are not for mailing say too much of a person.
    assert fake.segments == {"repeat_buyers": {"person.0@example.com", "person.1@example.com"}}


def test_only_what_changed_is_told_again(home: Home, fake: FakeMailchimp) -> None:
    home.sync()
    fake.calls.clear()
    assert home.sync() == Synced()
    assert fake.calls == []
    home.person(1, lifecycle_stage="lapsed")
    home.segments["repeat_buyers"] = {0, 2}
    assert home.sync() == Synced(updated=1, tagged=2)
    assert [count for _, path, count in fake.calls if path == f"/lists/{LIST_ID}"] == [1]
    assert fake.segments["repeat_buyers"] == {"person.0@example.com", "person.2@example.com"}


def test_nobody_who_unsubscribed_is_subscribed_again(home: Home, fake: FakeMailchimp) -> None:
    fake.put("person.0@example.com", "unsubscribed")
    fake.put("person.1@example.com", "cleaned")
    assert home.sync() == Synced(added=1, updated=2, tagged=2)
    fake.put("person.2@example.com", "unsubscribed")
    for number in range(3):
        home.person(number, orders_count=99)
    home.sync()
    assert fake.statuses() == {
        "person.0@example.com": "unsubscribed", "person.1@example.com": "cleaned",
        "person.2@example.com": "unsubscribed",
    }  # fmt: skip
    assert fake.resubscribed == set()
    assert {member.merge_fields["ORDERS"] for member in fake.members.values()} == {99}


def test_who_may_not_be_written_to_any_longer_is_unsubscribed_there(home: Home, fake: FakeMailchimp) -> None:
    home.sync()
    home.person(0, can_email=False)
    del home.people[1]
    assert home.sync() == Synced(unsubscribed=2)
    assert fake.statuses()["person.0@example.com"] == "unsubscribed"
    assert fake.statuses()["person.1@example.com"] == "unsubscribed"
    assert home.sync() == Synced()


def test_a_refused_row_is_recorded_without_its_address_and_told_again_only_when_it_changes(
    home: Home, fake: FakeMailchimp
) -> None:
    fake.refuses.add("person.1@example.com")
    assert home.sync() == Synced(added=2, tagged=1, refused=1)
    (reason,) = Members(home.settings.outbox_url, LIST_ID).errors().values()
    assert "looks fake or invalid" in reason
    assert "person.1" not in reason
    assert home.sync() == Synced()
    fake.refuses.clear()
    home.person(1, city="Rome")
    assert home.sync() == Synced(added=1, tagged=1)
    assert Members(home.settings.outbox_url, LIST_ID).errors() == {}


def test_calls_are_at_most_ten_at_a_time_and_five_hundred_rows(home: Home, fake: FakeMailchimp) -> None:
    fake.seconds = 0.02
    for number in range(6_000):
        home.person(number)
    home.segments = {"repeat_buyers": set(range(6_000))}
    assert home.sync().added == 6_000
    assert 1 < fake.most_at_once <= 10
    assert max(count for _, _, count in fake.calls) == 500
    assert len(fake.segments["repeat_buyers"]) == 6_000


@pytest.mark.parametrize("fault", [Throttled(), BARE_403, 500, 503, DROPPED])
def test_a_busy_vendor_is_asked_again(home: Home, fake: FakeMailchimp, fault: Any) -> None:
    fake.faults.add(None, fault, fault)
    assert home.sync().added == 3
    assert len(fake.members) == 3


def test_a_vendor_that_stays_busy_leaves_the_rest_to_the_next_run(home: Home, fake: FakeMailchimp) -> None:
    fake.faults.add(*[503] * 40)
    with pytest.raises(DeliveryError, match="the next run tells the rest"):
        home.sync()
    fake.faults.clear()
    assert home.sync().added == 3


def test_a_refused_key_stops_at_once(home: Home, fake: FakeMailchimp) -> None:
    fake.faults.add(401)
    with pytest.raises(EspError, match="SINCERELY_MAILCHIMP_API_KEY"):
        home.sync()


def test_values_are_cut_to_what_the_vendor_takes(home: Home, fake: FakeMailchimp) -> None:
    home.person(0, first_name="ü" * 300)
    assert home.sync().refused == 0
    assert {member.merge_fields["FNAME"] for member in fake.members.values()} >= {"ü" * 127}


def test_a_handing_over_tells_the_audience_and_sends_nothing(home: Home, fake: FakeMailchimp) -> None:
    home.sync()
    home.person(7)
    home.sync()
    handed_over = hand_over(home.settings, home.warehouse, Outbox(home.settings.outbox_url), NOW)
    assert (handed_over.sent.accepted, handed_over.synced) == (0, Synced())


def test_the_demos_people_are_told_to_no_real_audience(home: Home, fake: FakeMailchimp) -> None:
    home.settings = replace(home.settings, secret=DEMO_SECRET)
    with pytest.raises(SettingsError, match="public key"):
        home.sync()
    assert fake.calls == []


def test_campaigns_rendered_here_are_refused_before_and_not_dropped() -> None:
    (campaign, *_) = load_campaigns()
    assert "no messages that are rendered here" in refusals("mailchimp", campaign)[0]
    assert refusals("folder", campaign) == []


def test_no_field_that_may_decide_but_not_be_printed_is_told() -> None:
    profiles = yaml.safe_load((DBT_PROJECT / "models" / "profiles" / "profiles.yml").read_text())
    (model,) = profiles["models"]
    sensitive = {each["name"] for each in model["columns"] if each.get("config", {}).get("meta", {}).get("sensitive")}
    told = (Path(audience.__file__).with_name("audience_changes.sql")).read_text()
    assert [name for name in sensitive if name in told] == []


@pytest.mark.parametrize(("key", "list_id"), [("", LIST_ID), (API_KEY, ""), ("nodatacentre", LIST_ID)])
def test_a_missing_key_or_list_is_named(key: str, list_id: str) -> None:
    with pytest.raises(SettingsError, match="SINCERELY_MAILCHIMP"):
        Mailchimp(key, list_id)
