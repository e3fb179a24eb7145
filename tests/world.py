"""A small shop, the same each time: enough people and orders for every stage, and some broken rows."""

from __future__ import annotations

import csv
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

_START = datetime(2017, 1, 1)
_END = datetime(2017, 12, 31)


def write_world(landing: Path, people: int = 150) -> None:
    """Writes contacts (CSV), consents and orders (CSV), order lines, web and ESP events (JSON Lines)."""
    draw = random.Random(7)
    contacts, consents, orders, lines, views, messages, events = [], [], [], [], [], [], []
    for number in range(people):
        contact_id = f"c{number}"
        email = f"person.{number}@example.com"
        signed_up = _START + timedelta(days=draw.uniform(0, 330))
        contacts.append(
            [
                contact_id,
                email,
                signed_up.isoformat(),
                draw.choice(["Ada", "", "Zoë", "José"]),
                draw.choice(["New York", "Chicago", ""]),
                f"+1555{number:07d}",
            ]
        )
        if draw.random() < 0.85:
            for purpose in ("newsletter", "offers"):
                consents.append([contact_id, purpose, "granted", signed_up.isoformat()])
        if draw.random() < 0.1:
            consents.append([contact_id, "offers", "withdrawn", (signed_up + timedelta(days=3)).isoformat()])
        rhythm = draw.choice([4, 10, 30, 400]) if number % 5 else 10_000
        until = _END - timedelta(days=draw.choice([0, 0, 0, 60, 200]))
        moment = signed_up + timedelta(days=draw.uniform(0, 5))
        while moment < until and rhythm < 10_000:
            order_id = f"o{len(orders)}"
            orders.append([order_id, contact_id, moment.isoformat() + "Z", "USD", "placed"])
            for line_number in range(1, draw.randint(2, 5)):
                lines.append(
                    {
                        "order_id": order_id,
                        "line_number": line_number,
                        "product_id": f"p{draw.randint(0, 29)}",
                        "quantity": draw.randint(1, 3),
                        "unit_price_amount": f"{draw.randint(100, 4000) / 100:.2f}",
                    }
                )
            if draw.random() < 0.3:
                views.append(
                    {
                        "message_id": f"w{len(views)}",
                        "type": "track",
                        "event": "Product Viewed",
                        "user_id": contact_id,
                        "anonymous_id": f"a{number}",
                        "properties": {"product_id": f"p{draw.randint(0, 29)}"},
                        "timestamp": (moment - timedelta(hours=1)).isoformat() + "Z",
                    }
                )
            moment += timedelta(days=draw.expovariate(1 / rhythm))
        if number % 3 == 0 and signed_up < _END - timedelta(days=20):
            sent = _END - timedelta(days=5)
            messages.append([f"m{number}", email, "autumn", sent.isoformat()])
            for hours, event in [
                (2, "delivered"),
                *([(3, "opened")] if number % 2 else []),
                *([(4, "complained")] if number == 33 else []),
            ]:
                events.append(
                    {
                        "event_id": f"m{number}-{event}",
                        "event": event,
                        "email": email.upper(),
                        "message_id": f"m{number}",
                        "occurred_at": (sent + timedelta(hours=hours)).isoformat(),
                    }
                )
    contacts.append(["c1-web", "home.1@example.org", "2017-11-01", "Ada", "Chicago", "+15550000001"])
    contacts.append(["broken", "no-address", "2017-11-01", "", "", ""])
    products = [
        [f"p{number}", f"PRODUCT {number}", f"CATEGORY {number % 4}", f"{number + 1}.50"] for number in range(30)
    ]
    _csv(
        landing / "crm/contacts/contacts.csv",
        ["contact_id", "email", "signed_up_at", "first_name", "city", "phone"],
        contacts,
    )
    _csv(landing / "crm/consents/consents.csv", ["contact_id", "purpose", "action", "occurred_at"], consents)
    _csv(landing / "shop/products/products.csv", ["product_id", "name", "category", "price_amount"], products)
    _csv(
        landing / "shop/orders/orders.csv",
        ["order_id", "customer_id", "ordered_at", "currency", "status"],
        orders,
    )
    _csv(landing / "esp/messages/messages.csv", ["message_id", "email", "campaign", "sent_at"], messages)
    _jsonl(landing / "shop/order_lines/lines.jsonl", lines)
    _jsonl(landing / "web/events/views.jsonl", views)
    _jsonl(landing / "esp/events/events.jsonl", events)


def _csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _jsonl(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
