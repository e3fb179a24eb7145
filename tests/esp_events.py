"""What an ESP tells of a campaign, as its webhooks do: late, twice or three times, shuffled, in files of any size."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Event = dict[str, Any]  # an event in SendGrid's shape

_SENT_AT = datetime(2017, 12, 1, 10, tzinfo=UTC)
_BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605"
# After the delivery, what people and machines do with a message, and how often of a hundred.
_STORIES: list[tuple[int, list[tuple[str, float, dict[str, Any]]]]] = [
    (40, []),
    (20, [("open", 3_600, {})]),
    (10, [("open", 900, {}), ("click", 930, {"url": "/offers"}), ("click", 1_000, {"url": "/tea"})]),
    (8, [("open", 2, {"sg_machine_open": True, "useragent": "Mozilla/5.0"})]),
    (6, [("click", 40 + step, {"url": f"/{step}"}) for step in range(4)]),
    (4, [("click", 90, {"url": "/~/trap"}), ("click", 91, {"url": "/offers"})]),
    (4, [("open", 700, {}), ("group_unsubscribe", 720, {"asm_group_id": 7})]),
    (2, [("open", 700, {}), ("unsubscribe", 730, {})]),
    (2, [("open", 7_200, {}), ("spamreport", 7_300, {})]),
    (4, [("open", 50_000, {}), ("open", 90_000, {}), ("click", 90_010, {"url": "/offers"})]),
]
_REFUSALS: list[tuple[int, list[tuple[str, float, dict[str, Any]]]]] = [
    (50, [("bounce", 1, {"type": "bounce", "reason": "550 5.1.1 no such user"})]),
    (25, [("bounce", 1, {"type": "blocked", "reason": "421 4.7.0 busy"})]),
    (25, [("dropped", 1, {"reason": "Bounced Address"})]),
]


def write_people(landing: Path, count: int) -> None:
    """Writes `count` contacts who agreed to a newsletter, and the message that each got of one of two campaigns."""
    contacts = [
        {"contact_id": f"c{n}", "email": _email(n), "signed_up_at": "2017-01-01T00:00:00Z"} for n in range(count)
    ]
    consents = [
        {"contact_id": f"c{n}", "purpose": "newsletter", "action": "granted", "occurred_at": "2017-01-01T00:00:00Z"}
        for n in range(count)
    ]
    messages = [
        {
            "message_id": f"m{n}", "email": _email(n), "campaign": "spring" if n % 2 else "autumn",
            "variant": "b" if n % 3 else "a", "sent_at": _SENT_AT.isoformat(),
        }
        for n in range(count)
    ]  # fmt: skip
    for label, rows in (("crm/contacts", contacts), ("crm/consents", consents), ("esp/messages", messages)):
        write_jsonl(landing / label / "people.jsonl", rows)


def events(people: int, seed: int = 1) -> list[Event]:
    """What happened to the message of each person, in the order in which it happened; each event once."""
    draw = random.Random(seed)
    told: list[Event] = []
    for n in range(people):
        delay = draw.randint(0, 3_000)
        if draw.random() < 0.1:
            for attempt in range(1, draw.randint(2, 4)):
                told.append(_event(n, "deferred", delay, attempt=str(attempt), response="450 4.2.0 try later"))
        if draw.random() < 0.05:
            told.extend(_event(n, name, delay + after, **more) for name, after, more in _story(draw, _REFUSALS))
            continue
        told.append(_event(n, "processed", delay))
        told.append(_event(n, "delivered", delay + 1, response="250 OK"))
        told.extend(_event(n, name, delay + 1 + after, **more) for name, after, more in _story(draw, _STORIES))
    told.sort(key=lambda event: (event["timestamp"], event["sg_event_id"]))
    return told


def delivered_as_webhooks_do(told: Iterable[Event], seed: int) -> list[Event]:
    """Each event one to three times, shuffled; some repeats come under a new id, as SendGrid's did."""
    draw = random.Random(seed)
    sent: list[Event] = []
    for event in told:
        sent.append(event)
        for copy in range(draw.choice([0, 0, 1, 2])):
            is_renamed = draw.random() < 0.3
            sent.append({**event, "sg_event_id": f"{event['sg_event_id']}-again-{copy}"} if is_renamed else event)
    draw.shuffle(sent)
    return sent


def write_in_random_files(landing: Path, sent: list[Event], files: int, seed: int) -> None:
    """Cuts the events into files of random sizes."""
    draw = random.Random(seed)
    cuts = sorted(draw.sample(range(1, len(sent)), min(files, len(sent)) - 1))
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(sent)], strict=True)):
        write_jsonl(landing / f"sendgrid/events/{seed}-{number}.jsonl", sent[start:end])


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Writes one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _event(person: int, name: str, after_seconds: float, **more: Any) -> Event:
    moment = _SENT_AT + timedelta(seconds=after_seconds)
    if "url" in more:
        more["url"] = f"https://shop.example.com{more['url']}?m=m{person}&utm_source=newsletter"
    if name in ("open", "click"):
        more.setdefault("useragent", _BROWSER)
    return {
        "email": _email(person).title(),
        "timestamp": int(moment.timestamp()),
        "event": name,
        "sg_event_id": f"sg-{person}-{name}-{int(after_seconds)}-{more.get('url', '')}-{more.get('attempt', '')}",
        "sg_message_id": f"vendor-{person}.filter-1",
        "message_id": f"m{person}",
        **more,
    }


def _story(
    draw: random.Random, stories: list[tuple[int, list[tuple[str, float, dict[str, Any]]]]]
) -> list[tuple[str, float, dict[str, Any]]]:
    (story,) = draw.choices([each for _, each in stories], [weight for weight, _ in stories])
    return [(name, after, dict(more)) for name, after, more in story]


def _email(person: int) -> str:
    return f"person.{person}@example.com"
