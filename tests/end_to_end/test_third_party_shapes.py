"""A home with nothing but the exports of others: they become people, acts, orders and e-mail events."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.landing.contract import ENTITIES
from tests.building import LANDED_AT, land_and_build
from tests.conftest import ROOT
from tests.querying import rows

SAMPLES = ROOT / "tests" / "samples"
AS_OF = datetime(2021, 12, 31)
TABLES = (
    "load_reconciliation",
    "quarantine",
    "activity",
    "sessions",
    "orders",
    "order_lines",
    "email_events",
    "suppressed_emails",
)
_ORDERS = "landing/shopify/orders/orders_export_1.csv"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("shapes")
    shutil.copytree(SAMPLES, home / "landing")
    _write_parquet(home / "landing" / "ga4" / "events" / "events_20210201.parquet")
    _run(home)
    return home


def _run(home: Path, landed_at: datetime = LANDED_AT) -> None:
    loads = land_and_build(home, AS_OF, TABLES, landed_at, is_tested=True)
    assert {load.status for load in loads} <= {"landed", "repeated"}, loads


def _write_parquet(path: Path) -> None:
    """One event of the export's other format, with its nested columns."""
    value = {"string_value": "https://shop.example.com/", "int_value": None, "float_value": None, "double_value": None}
    pq.write_table(
        pa.table(
            {
                "event_timestamp": pa.array([1612173600000000], pa.int64()),
                "event_name": ["page_view"],
                "event_params": [[{"key": "page_location", "value": value}]],
                "user_pseudo_id": ["1234.5678"],
                "device": [{"category": "desktop"}],
                "items": pa.array([[]], pa.list_(pa.struct([("item_id", pa.string())]))),
            }
        ),
        path,
    )


def recipient(email: str) -> str:
    """A campaign's message to one address: Mailchimp names the address by its MD5."""
    return "4fjk2ma9xd:" + hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()


def test_every_row_is_staged_quarantined_or_a_repeat(home: Path) -> None:
    counted = rows(
        home,
        "select source, sum(rows_received), sum(rows_staged), sum(rows_quarantined), sum(rows_duplicate) "
        "from quality.load_reconciliation group by source order by source",
    )
    assert counted == [
        ("ga4", 8, 6, 2, 0),
        ("mailchimp", 9, 7, 2, 0),
        ("segment", 10, 6, 3, 1),
        ("sendgrid", 15, 11, 3, 1),
        ("shopify", 8, 6, 2, 0),
    ]


def test_a_refused_row_is_kept_whole_with_its_reason(home: Path) -> None:
    reasons = rows(home, "select source, reason from quality.quarantine order by source, file, row_number")
    assert reasons == [
        ("ga4", "user_pseudo_id and user_id are missing"),
        ("ga4", "event_timestamp is no number of microseconds since 1970"),
        ("mailchimp", "an entry of activity has no known action or no time"),
        ("mailchimp", "fired_at is no ISO 8601 time"),
        ("segment", "event is missing in a track"),
        ("segment", "timestamp is no ISO 8601 time"),
        ("segment", "is not a JSON object"),
        ("sendgrid", "timestamp is no number of seconds since 1970"),
        ("sendgrid", "event is no e-mail event of SendGrid"),
        ("sendgrid", "list is no suppression list of SendGrid"),
        ("shopify", "Email is no address"),
        ("shopify", "the first row of this order is refused: Email is no address"),
    ]
    ((row,),) = rows(home, "select row_json from quality.quarantine where source = 'shopify' and row_number = 7")
    kept = json.loads(str(row))
    assert (kept["name"], kept["lineitem_price"], kept["id"]) == ("#1005", "10.00", "3305")
    assert json.loads(kept["_extra"])["Payment Method"] == "Cards"


def test_the_switch_reads_every_column_of_the_contract(home: Path) -> None:
    for entity in (entity for entity in ENTITIES if entity.is_optional):
        described = rows(home, f"describe staging.src_{entity.source}__{entity.name}")
        read = {re.sub("[^a-z0-9]", "", str(row[0])) for row in described if not str(row[0]).startswith("_")}
        assert read == {re.sub("[^a-z0-9]", "", column.lower()) for column in entity.columns}, entity.label


def test_a_visitor_who_signs_in_is_one_person(home: Path) -> None:
    assert rows(
        home,
        "select count(distinct person_id) from core.identity_map where identifier in ('seg-anon-1', 'seg-user-1')",
    ) == [(1,)]
    assert rows(
        home, "select count(distinct person_id) from core.identity_map where identifier in ('1234.5678', 'ga-user-1')"
    ) == [(1,)]
    assert rows(
        home,
        "select type, user_id, previous_id, email from staging.int_web_events where type in ('alias', 'identify') "
        "order by type",
    ) == [("alias", "seg-user-1", "seg-anon-0", None), ("identify", "seg-user-1", None, "ada@example.com")]


def test_web_acts_of_both_sources_carry_the_same_names(home: Path) -> None:
    acts = rows(
        home,
        "select identifier, activity, product_id from core.activity "
        "inner join core.identity_map using (person_id) "
        "where channel = 'web' and identifier in ('seg-anon-1', '1234.5678') order by identifier, occurred_at",
    )
    assert acts == [
        ("1234.5678", "page_viewed", None),
        ("1234.5678", "product_viewed", "C1"),
        ("1234.5678", "product_added", "C1"),
        ("1234.5678", "order_completed", "C1"),
        ("1234.5678", "newsletter_teaser_seen", None),
        ("1234.5678", "page_viewed", None),
        ("seg-anon-1", "page_viewed", None),
        ("seg-anon-1", "product_viewed", "T1"),
        ("seg-anon-1", "checkout_started", None),
    ]
    assert rows(
        home,
        "select source, properties ->> '$.path', context ->> '$.campaign.source', context ->> '$.device.type' "
        "from staging.int_web_events where type = 'page' order by source, occurred_at",
    ) == [
        ("ga4", "/cups", "search", "mobile"),
        ("ga4", "/", None, "desktop"),
        ("segment", "/tea", "newsletter", None),
    ]


def test_shopifys_orders_have_their_status_and_come_to_their_subtotal(home: Path) -> None:
    assert rows(
        home,
        "select order_id, identifier, currency, status, channel, is_purchase, discount_amount, net_amount "
        "from core.orders inner join core.identity_map using (person_id) where identifier_type = 'email' "
        "order by order_id",
    ) == [
        ("#1001", "ada@example.com", "USD", "placed", "web", True, Decimal("3.90"), Decimal("35.10")),
        ("#1002", "bo@example.org", "EUR", "refunded", "web", False, Decimal("0.00"), Decimal("10.00")),
        ("#1003", "bo@example.org", "EUR", "cancelled", "pos", False, Decimal("0.00"), Decimal("9.50")),
        ("#1004", "bo@example.org", "EUR", "placed", "web", True, Decimal("0.00"), Decimal("20.00")),
    ]
    assert rows(
        home, "select order_id, line_number, product_id, quantity, net_amount from core.order_lines order by all"
    ) == [
        ("#1001", 1, "T1", 2, Decimal("20.00")),
        ("#1001", 2, "C1", 2, Decimal("19.00")),
        ("#1004", 1, "Gift wrap", 1, Decimal("10.00")),
        ("#1004", 2, "Gift wrap", 1, Decimal("10.00")),
    ]


def test_email_events_of_both_vendors_are_in_our_vocabulary_and_without_repeats(home: Path) -> None:
    assert rows(
        home, "select email, event, is_machine, message_id from core.email_events order by email, occurred_at, event"
    ) == [
        ("ada@example.com", "queued", False, "ours-1"),
        ("ada@example.com", "delivered", False, "ours-1"),
        ("ada@example.com", "opened", True, "ours-1"),
        ("ada@example.com", "clicked", False, "ours-1"),
        ("bo@example.org", "bounced", False, "m-2"),
        ("cy@example.org", "rejected", False, "m-3"),
        ("cy@example.org", "unsubscribed", False, "m-3"),
        ("dee@example.com", "subscribed", False, None),
        ("dee@example.com", "opened", False, recipient("dee@example.com")),
        ("dee@example.com", "clicked", False, recipient("dee@example.com")),
        ("dee@example.com", "unsubscribed", False, recipient("dee@example.com")),
        ("eli@example.org", "bounced", False, recipient("eli@example.org")),
        ("fay@example.org", "deferred", False, recipient("fay@example.org")),
    ]


def test_who_must_not_be_mailed_comes_from_events_and_from_the_vendors_lists(home: Path) -> None:
    assert rows(home, "select email, reason from core.suppressed_emails order by email") == [
        ("bo@example.org", "bounced"),
        ("cy@example.org", "unsubscribed"),
        ("dee@example.com", "unsubscribed"),
        ("eli@example.org", "bounced"),
        ("gil@example.org", "bounced"),
        ("ida@example.org", "complained"),
    ]


def test_a_later_export_changes_its_order_and_doubles_nothing(home: Path) -> None:
    """Last of this module, for it adds to the home: #1004 is refunded in full, all else is as it was."""
    text = (home / _ORDERS).read_text(encoding="utf-8")
    later = text.replace("#1004,bo@example.org,partially_refunded", "#1004,bo@example.org,refunded")
    (home / _ORDERS).with_name("orders_export_2.csv").write_text(later, encoding="utf-8")
    _run(home, LANDED_AT + timedelta(hours=1))
    assert rows(home, "select order_id, status, net_amount from core.orders order by order_id") == [
        ("#1001", "placed", Decimal("35.10")),
        ("#1002", "refunded", Decimal("10.00")),
        ("#1003", "cancelled", Decimal("9.50")),
        ("#1004", "refunded", Decimal("20.00")),
    ]
    assert rows(
        home,
        "select rows_received, rows_staged, rows_quarantined, rows_duplicate from quality.load_reconciliation "
        "where source = 'shopify' order by rows_staged desc",
    ) == [(8, 6, 2, 0), (8, 1, 0, 7)]
