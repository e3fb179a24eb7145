"""A shop of any size, the same each time: for benches, as Parquet files of the landing zone.

For every person there are 20 web events (a visit has five, a minute apart), 5 order lines (a basket has five),
10 e-mail events of 5 messages, a contact and two consents. Who does what is drawn with a skew: the square of an even
number in [0, 1), so that a tenth of the people does about a third of everything. Each row is a function of its number
and the seed alone, by DuckDB's hash.

    python -m tests.bench.population FOLDER PEOPLE
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

START = datetime(2016, 1, 1)
END = datetime(2018, 1, 1)
PRODUCTS = 5_000

_QUERIES = {
    "crm/contacts": """
        select
            'c' || i as contact_id, 'person.' || i || '@example.com' as email, {time} as signed_up_at,
            case when {u8} < 0.5 then printf('+1555%08d', i) end as phone,
            ['Ada', 'Zoë', 'José', 'Grace', 'Linus', 'Mary'][1 + cast(floor({u2} * 6) as int)] as first_name,
            ['Stone', 'Rivers', 'Hill', 'Meadow', 'Forest'][1 + cast(floor({u3} * 5) as int)] as last_name,
            cast(date '1940-01-01' + cast({u4} * 24000 as int) as varchar) as birth_date,
            ['female', 'male', 'other'][1 + cast(floor({u5} * 2.1) as int)] as gender,
            ['New York', 'Chicago', 'Boston', 'Austin', 'Denver'][1 + cast(floor({u6} * 5) as int)] as city,
            ['America/New_York', 'America/Chicago', 'Europe/Berlin'][1 + cast(floor({u7} * 3) as int)] as timezone
        from range({first}, {last}) as numbers (i)
    """,
    "crm/consents": """
        select
            'c' || i as contact_id, purpose, 'granted' as action, {time} as occurred_at
        from range({first}, {last}) as numbers (i), (values ('newsletter'), ('offers')) as purposes (purpose)
        where {u2} < 0.85
    """,
    "crm/activities": """
        select
            'c' || {person} as contact_id, 'demo_request' as activity, {time} as occurred_at,
            'd' || i as properties
        from range({first}, {last}) as numbers (i)
        where i % 50 = 0
    """,
    "shop/products": """
        select
            'p' || i as product_id, 'Product ' || i as name, 'Category ' || i % 40 as category,
            'Department ' || i % 8 as department, printf('%.2f', 1 + (i % 900) / 10) as price_amount
        from range({products}) as numbers (i)
    """,
    "shop/orders": """
        select
            'o' || i as order_id, 'c' || {person} as customer_id, {time} as ordered_at, 'USD' as currency,
            case when {u4} < 0.02 then 'cancelled' else 'placed' end as status
        from range({first}, {last}) as numbers (i)
    """,
    "shop/order_lines": """
        select
            'o' || i // 5 as order_id, 1 + i % 5 as line_number,
            'p' || cast({u2} * {u2} * {products} as bigint) % {products} as product_id,
            1 + i % 3 as quantity, printf('%.2f', 1 + {u3} * 90) as unit_price_amount
        from range(5 * {first}, 5 * {last}) as numbers (i)
    """,
    "web/events": """
        select
            'w' || i as message_id,
            case when {u4} < 0.6 then 'page' when {u4} < 0.98 then 'track' else 'identify' end as type,
            -- A third of the devices belong to nobody that we know; the others to a person each, who has one or two.
            case when {v5} < 0.33 then 'v' || cast({v6} * {people} as bigint)
                else 'a' || {visitor} || '-' || cast({v7} < 0.3 as int) end as anonymous_id,
            case when {v5} > 0.9 then 'c' || {visitor} end as user_id,
            {visit_time} as timestamp,
            ['Product Viewed', 'Product Viewed', 'Product Added', 'Checkout Started'][
                1 + cast(floor({u8} * 4) as int)
            ] as event,
            json_object(
                'product_id', 'p' || cast({u2} * {u2} * {products} as bigint) % {products},
                'path', '/products/' || cast({u2} * {u2} * {products} as bigint) % {products}
            ) as properties,
            '{{"page": {{"referrer": "https://www.example.org/search"}}, "userAgent": "' ||
                ['Mozilla/5.0 (X11; Linux x86_64)', 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile'][
                    1 + cast(floor({u3} * 2) as int)
                ] || '"}}' as context
        from range(20 * {first}, 20 * {last}) as numbers (i)
    """,
    "esp/messages": """
        select
            'm' || i as message_id, 'person.' || {person} || '@example.com' as email, 'campaign ' || i % 24 as campaign,
            {time} as sent_at
        from range(5 * {first}, 5 * {last}) as numbers (i)
    """,
    "esp/events": """
        select
            'e' || i as event_id,
            ['delivered', 'delivered', 'delivered', 'opened', 'opened', 'clicked'][
                1 + cast(floor({u4} * 5.4) as int)
            ] as event,
            'person.' || {person_of_half} || '@example.com' as email, 'm' || i // 2 as message_id,
            {time} as occurred_at, case when {u5} < 0.3 then 'true' else 'false' end as is_machine
        from range(10 * {first}, 10 * {last}) as numbers (i)
    """,
}  # fmt: skip


@dataclass(frozen=True)
class Slice:
    """Which part of the shop: people numbered from `first` to `last`, in the time between two instants."""

    first: int
    last: int
    people: int
    since: datetime
    until: datetime


def write(landing: Path, people: int) -> None:
    """The whole shop up to END."""
    _write(landing, Slice(0, people, people, START, END), "all")


def write_hour(landing: Path, people: int, number: int, share: float = 0.005) -> datetime:
    """What the `number`-th hour after END brings: `share` of the shop's rows anew; returns the hour's end.

    One row in twenty is up to a week late.
    """
    size = max(int(people * share), 1)
    first = people + number * size
    since = END + timedelta(hours=number)
    until = since + timedelta(hours=1)
    _write(landing, Slice(first, first + size, people + (number + 1) * size, since, until), f"hour-{number:03d}")
    return until


def write_triggers(landing: Path, people: int, at: datetime) -> None:
    """A demo request and a product view of each of the first `people`, in the minute before `at`."""
    queries = {
        "crm/activities": """
            select 'c' || i as contact_id, 'demo_request' as activity, {time} as occurred_at, null as properties
            from range({last}) as numbers (i)
        """,
        "web/events": """
            select 't' || i as message_id, 'track' as type, 'a' || i || '-0' as anonymous_id, 'c' || i as user_id,
                {time} as timestamp, 'Product Viewed' as event, json_object('product_id', 'p' || i) as properties,
                null as context
            from range({last}) as numbers (i)
        """,
    }
    words = {
        "last": people,
        "time": f"strftime(timestamp '{at}' - to_seconds(cast({_even('i', 1)} * 59 as bigint)), '%Y-%m-%dT%H:%M:%SZ')",
    }
    _copy(landing, queries, words, "triggers")


def _write(landing: Path, part: Slice, name: str) -> None:
    seconds = int((part.until - part.since).total_seconds())
    since = f"timestamp '{part.since}'"
    late = f"case when {_even('i', 20)} < 0.05 then cast({_even('i', 21)} * 604800 as bigint) else 0 end"
    moment = f"{since} + to_seconds(cast({_even('i', 1)} * {seconds - 1} as bigint)) - to_seconds({late})"
    # A visit begins early enough to be over by the end.
    visit = moment.replace("hash(i ", "hash((i // 5) ").replace(f"{seconds - 1}", f"{seconds - 300}") + (
        " + to_seconds(60 * (i % 5))"
    )
    words: dict[str, object] = {
        "first": part.first,
        "last": part.last,
        "people": part.people,
        "products": PRODUCTS,
        "time": f"strftime({moment}, '%Y-%m-%dT%H:%M:%SZ')",
        "person": f"cast(pow({_even('i', 9)}, 2) * {part.people} as bigint)",
        "person_of_half": f"cast(pow({_even('(i // 2)', 9)}, 2) * {part.people} as bigint)",
        "visitor": f"cast(pow({_even('(i // 5)', 9)}, 2) * {part.people} as bigint)",
        "visit_time": f"strftime({visit}, '%Y-%m-%dT%H:%M:%SZ')",
        **{f"u{number}": _even("i", number) for number in range(2, 9)},
        **{f"v{number}": _even("(i // 5)", number) for number in range(2, 9)},
    }
    queries = {label: sql for label, sql in _QUERIES.items() if label != "shop/products" or name == "all"}
    _copy(landing, queries, words, name)


def _copy(landing: Path, queries: Mapping[str, str], words: Mapping[str, object], name: str) -> None:
    with duckdb.connect() as connection:
        for label, query in queries.items():
            path = landing / label / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(f"copy ({query.format(**words)}) to '{path}' (format parquet, compression zstd)")


def _even(number: str, salt: int) -> str:
    """An even number in [0, 1) of a row's number."""
    return f"(hash({number} * 64 + {salt}) / 18446744073709551616.0)"


if __name__ == "__main__":
    write(Path(sys.argv[1]) / "landing", int(sys.argv[2]))
