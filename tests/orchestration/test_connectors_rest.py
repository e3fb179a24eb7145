"""An HTTP API into the landing zone, from a real server that pages, throttles, breaks and changes its mind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestration.connected import ConnectedHome
from tests.servers import Shop, Throttle


def full(shop: Shop, attempts: int = 5) -> str:
    return f"""
[store_api]
type = "rest"
base_url = "{shop.url}"
auth = {{type = "bearer", token_env = "STORE_API_TOKEN"}}
attempts = {attempts}
[[store_api.resources]]
entity = "shop/orders"
path = "/orders"
records = "data"
paginator = {{type = "page_number", base_page = 1, has_more_path = "has_more"}}
columns = {{order_id = "id", ordered_at = "placed_at", email = "customer.email"}}
"""


def incremental(shop: Shop, attempts: int = 5) -> str:
    return full(shop, attempts) + 'cursor = {column = "updated_at", param = "since", lag = 60}\n'


def orders(first: int, last: int, minute: int = 0) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "placed_at": "2026-01-01T00:00:00Z",
            "updated_at": f"2026-01-01T00:{minute:02d}:{number % 60:02d}Z",
            "customer": {"email": f"p{number}@example.com"},
            "discount_amount": 1.5,
        }
        for number in range(first, last + 1)
    ]


@pytest.fixture
def home(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> ConnectedHome:
    monkeypatch.setenv("STORE_API_TOKEN", shop.token)
    return ConnectedHome(tmp_path / "home")


def order_ids(home: ConnectedHome) -> list[int]:
    return sorted(int(row["order_id"]) for row in home.rows("select order_id from raw.shop_orders"))


def test_all_pages_arrive_with_nested_fields_under_our_names(shop: Shop, home: ConnectedHome) -> None:
    shop.records = orders(1, 25)
    home.configure(full(shop))
    assert home.taken().rows_delivered == 25
    assert len(shop.requests) == 3
    assert order_ids(home) == list(range(1, 26))
    row = home.rows("select email, discount_amount, _extra from raw.shop_orders where order_id = '7'")[0]
    assert (row["email"], row["discount_amount"]) == ("p7@example.com", "1.5")
    assert '"customer":"{\\"email\\": \\"p7@example.com\\"}"' in row["_extra"]


@pytest.mark.parametrize("as_date", [False, True])
def test_a_throttled_client_waits_as_long_as_it_is_told(shop: Shop, home: ConnectedHome, as_date: bool) -> None:
    # A date has whole seconds: up to one of them is over before it is read.
    seconds, least = (3, 2.0) if as_date else (2, 2.0)
    shop.retry_after_as_date = as_date
    shop.records, shop.faults = orders(1, 25), [None, Throttle(seconds)]
    home.configure(full(shop))
    assert home.taken().rows_delivered == 25
    times = [moment for moment, _ in shop.requests]
    assert len(times) == 4
    # Without the header the first wait would be one second.
    assert times[2] - times[1] >= least
    assert shop.requests[1][1] == shop.requests[2][1]


@pytest.mark.parametrize("fault", [500, 503, "drop", "cut"])
def test_a_page_that_breaks_once_is_asked_for_again(shop: Shop, home: ConnectedHome, fault: int | str) -> None:
    shop.records, shop.faults = orders(1, 25), [None, fault]
    home.configure(full(shop))
    assert home.taken().rows_delivered == 25
    assert order_ids(home) == list(range(1, 26))


def test_an_api_that_stays_broken_half_way_delivers_and_deletes_nothing(shop: Shop, home: ConnectedHome) -> None:
    shop.records = orders(1, 25)
    home.configure(full(shop, attempts=2))
    home.taken()
    shop.records, shop.faults = orders(1, 12), [None, 500, 500]
    problem = home.sync().problem
    assert problem == (
        "store_api (resource /orders for shop/orders): 127.0.0.1/v1/orders answered 500 Internal Server Error; "
        "nothing of this sync was kept that is not whole; run again when it answers."
    )
    home.land()
    assert home.deletions() == []
    home.taken()
    assert home.deletions() == sorted((str(number), True) for number in range(13, 26))


def test_a_cursor_asks_for_what_is_new_and_repeats_nothing(shop: Shop, home: ConnectedHome) -> None:
    shop.records = orders(1, 25)
    home.configure(incremental(shop, attempts=2))
    home.taken()
    # Late within the lag, new, and changed.
    shop.records += [*orders(26, 26), *orders(27, 40, minute=2)]
    shop.records[0] = orders(1, 1, minute=3)[0]
    shop.faults = [None, 500, 500]
    assert "answered 500" in home.sync().problem
    assert home.taken().rows_delivered == 16
    assert order_ids(home) == [1, *range(1, 41)]
    assert "since=2025-12-31T23%3A59%3A25Z" in shop.requests[-1][1]
    assert home.taken().rows_delivered == 0


def test_a_schema_that_changes_is_kept_and_what_cannot_be_used_is_not_lost(shop: Shop, home: ConnectedHome) -> None:
    shop.records = orders(1, 3)
    home.configure(incremental(shop))
    home.taken()
    (new,) = orders(4, 4, minute=9)
    shop.records.append({**new, "gift": {"wrapped": True}, "discount_amount": "two euros"})
    home.taken()
    (row,) = home.rows("select discount_amount, _extra from raw.shop_orders where order_id = '4'")
    assert row["discount_amount"] == "two euros"
    assert '"gift":"{\\"wrapped\\": true}"' in row["_extra"]
    (gone,) = orders(5, 5, minute=10)
    del gone["id"]
    shop.records = [gone]
    problem = home.sync().problem
    assert "has no column" not in problem  # our name for it is there, and empty: the row is refused by itself
    home.land()
    assert home.rows("select count(*) as n from raw.shop_orders where order_id is null") == [{"n": 1}]


def test_a_wrong_token_is_named_and_not_shown(shop: Shop, home: ConnectedHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_API_TOKEN", "wrong-token-1")
    home.configure(full(shop))
    problem = home.sync().problem
    assert "answered 401 Unauthorized; check the token that auth names" in problem
    assert "wrong-token-1" not in problem


def test_an_answer_of_another_shape_is_refused(shop: Shop, home: ConnectedHome) -> None:
    shop.records = [1, 2, 3]  # type: ignore[list-item]
    shop.page = lambda number, since: {"data": shop.records, "has_more": False}  # type: ignore[method-assign]
    home.configure(full(shop))
    assert "gives something else than records" in home.sync().problem
    home.configure(full(shop).replace('"/orders"', '"/order"'))
    assert "answered 404 Not Found; check base_url and path" in home.sync().problem
