"""Rendering alone: Arrow batches of `loyalty_reward` with six products in, finished payloads out.

`python -m tests.bench.rendering` prints every figure: one process and two, products that many people share and
products that nobody shares, messages made all at once and one by one, and the memory from 10,000 to 1,000,000 people.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from hashlib import md5
from typing import Any

import pyarrow as pa

from orchestration.garbage import collect_rarely
from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, load_campaign
from rendering.links import Site
from rendering.payload import Payload
from rendering.templates import compile_campaign

BATCHES = 5
BATCH_MESSAGES = 3_000
PRODUCTS = 2_000
CITIES = ("New York", "Chicago", "Denver", None)
# More than any batch has.
_NEVER = 1_000_000_000
SIZES = (10_000, 100_000, 1_000_000)


def people(first: int, count: int, products: int = PRODUCTS) -> Iterator[dict[str, Any]]:
    """Records as the warehouse gives them: every person with their own name, spending and products."""
    heroes = ("hero_new_york_viewed", "hero_regular", "hero_welcome")
    for number in range(first, first + count):
        yield {
            "message_id": _id(number),
            "person_id": md5(f"person {number}".encode()).hexdigest(),
            "email": f"person{number}@example.com",
            "first_name": f"Maria{number}",
            "city": CITIES[number % 4],
            "country": "US",
            "language": "en",
            "timezone": "America/New_York",
            "currency": "USD",
            "orders_count": number % 50,
            "total_spent_amount": Decimal(number * 100 // 7) / 100,
            "favourite_category": "CHEESE",
            "viewed_category": "BAKED BREAD/BUNS/ROLLS",
            "occurrence": "2018-01",
            "variant": None,
            "recommendations": [_product((number * 7 + k * 131) % products, number, k + 1) for k in range(6)],
            "slots": {
                "hero": heroes[number % 3],
                "local": "city_new_york" if number % 4 == 0 else "city_anywhere",
            },
        }


def _id(number: int) -> str:
    """As long as the planner's, as hard to compress, and in its order: an MD5, of which the start is the number."""
    return f"{number:08x}{md5(str(number).encode()).hexdigest()[8:]}"


def _product(number: int, person: int, rank: int) -> dict[str, Any]:
    return {
        "product_id": str(number),
        "name": f"SHREDDED CHEESE/BLEND {number} OZ",
        "category": f"CATEGORY {number % 300}",
        "price": Decimal(number % 900 + 100) / 100,
        "currency": "USD",
        "url": None,
        "image_url": None,
        "reason": f"you buy it about every {(person + rank) % 40} days, last on {person % 28 + 1} May 2024",
        "rank": rank,
        "list": "buy_again",
        "model_version": "v1",
    }


def batch(first: int, count: int, products: int = PRODUCTS) -> pa.RecordBatch:
    """`people` as the warehouse gives them."""
    table = pa.Table.from_pylist(list(people(first, count, products))).combine_chunks()
    for name in ("variant",):
        table = table.set_column(table.schema.get_field_index(name), name, pa.nulls(count, pa.string()))
    return table.to_batches()[0]


def renderer(**options: Any) -> Renderer:
    """The campaign compiled, with nothing learnt yet."""
    site = Site("https://mail.example.com", b"a secret of enough bytes")
    return Renderer(compile_campaign(load_campaign(CAMPAIGNS / "loyalty_reward")), site, **options)


def messages_per_second(products: int = PRODUCTS, *, of_process: bool = False, **options: Any) -> float:
    """The median rate over a few batches, the template compiled before; `of_process` counts only this process's
    time on a processor, for machines that do other things too."""
    clock = time.process_time if of_process else time.perf_counter
    rendering, rates = renderer(**options), []
    for number in range(BATCHES + 1):
        records = batch(number * BATCH_MESSAGES, BATCH_MESSAGES, products)
        started = clock()
        made = sum(isinstance(each, Payload) for each in rendering.render(records))
        rates.append(made / (clock() - started))
        assert made == BATCH_MESSAGES
    return statistics.median(rates[1:])


def sizes() -> tuple[float, float]:
    """Kilobytes of HTML and of text of the middle message."""
    made = [each for each in renderer().render(batch(0, 100)) if isinstance(each, Payload)]
    html = statistics.median(len(each.html.encode()) for each in made)
    text = statistics.median(len(each.text.encode()) for each in made)
    return html / 1024, text / 1024


def two_processes() -> tuple[float, float]:
    """Messages a second of one process, and of two that run at once, each on its own half of the people."""
    command = [sys.executable, "-m", "tests.bench.rendering", "rate"]
    alone = _rate(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return alone, sum(_rate(process.communicate()[0]) for process in both)


def _rate(output: str) -> float:
    return float(json.loads(output)["messages_per_second"])


def peak_mib(people_count: int) -> float:
    """The most memory that a process of its own holds while it renders so many people's messages."""
    command = [sys.executable, "-m", "tests.bench.rendering", "memory", str(people_count)]
    return float(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["peak_mib"])


def _render_many(people_count: int) -> float:
    """The records come a batch at a time, as from the warehouse; only ids and names differ between batches."""
    rendering, records = renderer(), batch(0, 10_000)
    for first in range(0, people_count, 10_000):
        names = pa.array([f"Maria{number}" for number in range(first, first + 10_000)])
        ids = pa.array([_id(number) for number in range(first, first + 10_000)])
        renamed = records.set_column(records.schema.get_field_index("first_name"), "first_name", names)
        renamed = renamed.set_column(records.schema.get_field_index("message_id"), "message_id", ids)
        assert all(isinstance(each, Payload) for each in rendering.render(renamed))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> None:
    """Prints the figures; `rate` and `memory N` are what its processes of their own are asked for. `machine` tells how
    fast the machine is just now."""
    collect_rarely()  # as the commands do
    if arguments[:1] == ["rate"]:
        return print(json.dumps({"messages_per_second": messages_per_second()}))
    if arguments[:1] == ["machine"]:
        return print(f"{messages_per_second(many=_NEVER):,.0f} messages a second, one by one")
    if arguments[:1] == ["memory"]:
        return print(json.dumps({"peak_mib": _render_many(int(arguments[1]))}))
    html, text = sizes()
    print(f"{'a message':<44} {html:.1f} KB of HTML, {text:.1f} KB of text")
    cases: dict[str, tuple[int, dict[str, Any]]] = {
        "2,000 products": (PRODUCTS, {}),
        "as they are kept": (PRODUCTS, {"are_kept": True}),
        "one by one": (PRODUCTS, {"many": _NEVER}),
        "no product shared": (10_000_000, {}),
    }
    for name, (products, options) in cases.items():
        rate = messages_per_second(products, **options)
        own = messages_per_second(products, of_process=True, **options)
        print(f"{name:<44} {rate:>10,.0f} messages/s, {own:,.0f} a second of processor time")
    alone, both = two_processes()
    print(f"{'two processes':<44} {both:>10,.0f} messages/s, {both / alone:.2f} times one")
    for count in SIZES:
        print(f"{f'memory, {count:,} people':<44} {peak_mib(count):>10,.0f} MiB")
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
