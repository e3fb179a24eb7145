"""A small shop whose data comes hour by hour as in life: late, out of order, twice, corrected, ahead of time."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2018, 3, 24)  # the clocks of Europe go forward in the night to the 25th
_HISTORY_DAYS = 230
_PAGES = ["/", "/basket", "/products/1", "https://shop.example.com/?utm_source=letter&utm_campaign=spring"]

Row = dict[str, Any]


class HourlyWorld:
    """Writes what each hour brings into a landing zone; the same seed writes the same."""

    def __init__(self, landing: Path, *, people: int = 60, seed: int = 5) -> None:
        self._landing = landing
        self._draw = random.Random(seed)
        self._people = people
        self._numbers: dict[str, int] = defaultdict(int)
        self._sent: list[Row] = []  # web events that may come again
        self._orders: list[Row] = []
        self._messages: list[Row] = []

    def write_history(self) -> datetime:
        """Everything before START, in one landing."""
        rows: dict[str, list[Row]] = defaultdict(list)
        for number in range(30):
            rows["shop/products"].append(self._product(number))
        for number in range(self._people):
            self._sign_up(rows, f"c{number}", self._past(_HISTORY_DAYS))
        # Two days after the sign-up, in the first hours, the first message of a journey is due.
        for _ in range(12):
            moment = START - timedelta(days=2) + timedelta(minutes=self._draw.randrange(-30, 360))
            self._new_contact(rows, moment)
            consent = {"contact_id": f"c{self._people - 1}", "purpose": "newsletter", "action": "granted"}
            rows["crm/consents"].append({**consent, "occurred_at": _iso(moment)})
        for _ in range(self._people * 12):
            self._something(rows, self._past(_HISTORY_DAYS))
        self._write(rows, "history")
        return START

    def write_hour(self, number: int) -> datetime:
        """What comes in the `number`-th hour after START; returns its end."""
        rows: dict[str, list[Row]] = defaultdict(list)
        until = START + timedelta(hours=number + 1)
        for _ in range(self._draw.randrange(4, 14)):
            moment = until - timedelta(seconds=self._draw.randrange(3600))
            kind = self._draw.random()
            if kind < 0.2:
                moment -= timedelta(hours=self._draw.expovariate(1 / 30))
            elif kind < 0.25:
                moment += timedelta(hours=self._draw.uniform(0, 5))
            self._something(rows, moment)
        self._write(rows, f"hour-{number:03d}")
        return until

    def _something(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        draw = self._draw
        kinds = (
            (self._browse, 30), (self._identify, 9), (self._leave, 4), (self._alias, 2), (self._resend, 5),
            (self._order, 14), (self._correct_order, 4), (self._mail, 12), (self._mail_event, 14), (self._consent, 5),
            (self._demo_request, 4), (self._new_contact, 4), (self._changed_contact, 4), (self._changed_product, 1),
            (self._second_contact, 2), (self._segment, 4),
        )  # fmt: skip
        act = draw.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        act(rows, moment)

    def _past(self, days: float) -> datetime:
        return START - timedelta(seconds=self._draw.randrange(int(days * 86400)))

    def _next(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}{self._numbers[kind]}"

    def _contact_id(self) -> str:
        # Now and then somebody of whom no contact has landed, or not yet.
        return f"c{self._draw.randrange(self._people + 3)}"

    def _device(self) -> str:
        return f"d{self._draw.randrange(int(self._people * 1.3))}"

    def _sign_up(self, rows: dict[str, list[Row]], contact_id: str, moment: datetime) -> None:
        number = contact_id.removeprefix("c")
        rows["crm/contacts"].append(
            {
                "contact_id": contact_id,
                "email": f"Person.{number}@example.com",
                "signed_up_at": _iso(moment),
                "first_name": self._draw.choice(["Ada", "José", None]),
                "city": self._draw.choice(["New York", "Boston", None]),
                "phone": f"+1555000{number:0>4}" if self._draw.random() < 0.5 else None,
                "updated_at": None,
            }
        )

    def _new_contact(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        self._people += 1
        self._sign_up(rows, f"c{self._people - 1}", moment)

    def _changed_contact(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        self._sign_up(rows, self._contact_id(), moment - timedelta(days=self._draw.randrange(100)))
        rows["crm/contacts"][-1]["updated_at"] = _iso(moment)
        if self._draw.random() < 0.3:
            rows["crm/contacts"][-1]["is_deleted"] = "true"

    def _second_contact(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        """Somebody signs up again, under another address and the telephone that they had: two people become one."""
        number = self._draw.randrange(self._people)
        rows["crm/contacts"].append(
            {
                "contact_id": self._next("again"),
                "email": f"second.{number}@example.org",
                "signed_up_at": _iso(moment),
                "phone": f"+1555000{number:0>4}",
            }
        )

    def _consent(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        who = {"contact_id": self._contact_id()} if self._draw.random() < 0.8 else {"email": self._email()}
        action = "granted" if self._draw.random() < 0.8 else "withdrawn"
        rows["crm/consents"].append(
            {
                **who,
                "purpose": self._draw.choice(["newsletter", "offers"]),
                "action": action,
                "occurred_at": _iso(moment),
            }
        )

    def _demo_request(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        who = {"contact_id": self._contact_id()} if self._draw.random() < 0.7 else {"email": self._email()}
        rows["crm/activities"].append({**who, "activity": "demo_request", "occurred_at": _iso(moment)})

    def _email(self) -> str:
        return f"person.{self._draw.randrange(self._people + 5)}@EXAMPLE.com"

    def _product(self, number: int) -> Row:
        return {
            "product_id": f"p{number}",
            "name": f"Product {number} {self._draw.choice('abc')}",
            "category": f"Category {self._draw.randrange(3)}",
            "price_amount": f"{self._draw.randrange(100, 9000) / 100:.2f}",
        }

    def _changed_product(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        rows["shop/products"].append({**self._product(self._draw.randrange(30)), "updated_at": _iso(moment)})

    def _order(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        who = {"customer_id": self._contact_id()} if self._draw.random() < 0.8 else {"email": self._email()}
        order = {"order_id": self._next("o"), **who, "ordered_at": _iso(moment), "status": "placed"}
        lines = [self._line(order["order_id"], number) for number in range(1, self._draw.randrange(2, 4))]
        rows["shop/order_lines"].extend(lines)
        if self._draw.random() < 0.85:
            rows["shop/orders"].append(order)
        self._orders.append(order)  # one that was left out comes with its first correction

    def _line(self, order_id: str, number: int) -> Row:
        return {
            "order_id": order_id,
            "line_number": number,
            "product_id": f"p{self._draw.randrange(32)}",
            "quantity": self._draw.randrange(0, 4),
            "unit_price_amount": f"{self._draw.randrange(100, 20000) / 100:.2f}",
        }

    def _correct_order(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        if not self._orders:
            return
        order = self._draw.choice(self._orders)
        status = self._draw.choice(["placed", "cancelled", "refunded"])
        rows["shop/orders"].append({**order, "status": status})
        if self._draw.random() < 0.4:
            rows["shop/order_lines"].append(self._line(order["order_id"], 1))

    def _browse(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        device, user = self._device(), self._contact_id() if self._draw.random() < 0.15 else None
        for step in range(self._draw.randrange(1, 5)):
            at = moment + timedelta(minutes=step * self._draw.choice([3, 29, 30, 31]))
            view = self._draw.random() < 0.5
            properties = self._product_properties() if view else {"url": self._draw.choice(_PAGES)}
            self._web(
                rows, at, type="track" if view else "page", anonymous_id=device, user_id=user,
                event="Product Viewed" if view else None, properties=json.dumps(properties),
            )  # fmt: skip

    def _product_properties(self) -> Row:
        return {"product_id": f"p{self._draw.randrange(30)}"}

    def _identify(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        number = self._draw.randrange(self._people)
        known = self._draw.random()
        self._web(
            rows, moment, type="identify", anonymous_id=self._device(), event=None,
            user_id=f"c{number}" if known < 0.6 else None,
            properties=json.dumps({"email": f"person.{number}@example.com"} if known > 0.4 else {}),
        )  # fmt: skip

    def _leave(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        self._web(
            rows, moment, type="track", event="Signed Out", anonymous_id=self._device(), user_id=None, properties="{}"
        )

    def _alias(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        previous = self._device() if self._draw.random() < 0.6 else f"c{self._draw.randrange(self._people)}"
        self._web(
            rows, moment, type="alias", event=None, anonymous_id=None, user_id=self._contact_id(),
            properties=json.dumps({"previousId": previous}),
        )  # fmt: skip

    def _web(self, rows: dict[str, list[Row]], moment: datetime, **fields: Any) -> None:
        event = {"message_id": self._next("w"), "timestamp": _iso(moment), "received_at": _iso(moment), **fields}
        rows["web/events"].append(event)
        self._sent.append(event)

    def _resend(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        """The very same, the same received later, and (a client's fault) other things under the same id."""
        if not self._sent:
            return
        event, kind = self._draw.choice(self._sent), self._draw.random()
        if kind > 0.3:
            event = {**event, "received_at": _iso(moment)}
        if kind > 0.7:
            event = {**event, "timestamp": _iso(moment - timedelta(days=9)), "user_id": self._contact_id()}
        rows["web/events"].append(event)

    def _segment(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        is_told_twice = self._sent and self._draw.random() < 0.2
        rows["segment/events"].append(
            {
                "messageId": self._draw.choice(self._sent)["message_id"] if is_told_twice else self._next("s"),
                "type": "track",
                "event": "Product Added",
                "anonymousId": self._device(),
                "userId": self._contact_id() if self._draw.random() < 0.3 else None,
                "properties": json.dumps(self._product_properties()),
                "timestamp": _iso(moment),
            }
        )

    def _mail(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        message = {
            "message_id": self._next("m"), "email": self._email(), "campaign": self._draw.choice(["spring", "autumn"]),
            "sent_at": _iso(moment),
        }  # fmt: skip
        if self._draw.random() < 0.8:
            rows["esp/messages"].append(message)
        self._messages.append(message)

    def _mail_event(self, rows: dict[str, list[Row]], moment: datetime) -> None:
        if not self._messages:
            return
        message = self._draw.choice(self._messages)
        if self._draw.random() < 0.2:
            rows["esp/messages"].append(message)  # later than its events, or once more
        names = ["delivered", "opened", "opened", "clicked", "unsubscribed", "complained", "bounced"]
        rows["esp/events"].append(
            {
                "event_id": self._next("e") if self._draw.random() < 0.9 else f"e{max(self._numbers['e'] - 3, 1)}",
                "event": self._draw.choices(names, [30, 30, 30, 15, 2, 1, 2])[0],
                "email": message["email"],
                "message_id": message["message_id"],
                "occurred_at": _iso(moment),
            }
        )

    def _write(self, rows: dict[str, list[Row]], name: str) -> None:
        for label, entries in rows.items():
            path = self._landing / label / f"{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds") + "Z"
