"""A worker as a process of its own: `python -m orchestration.delivery.worker`, told on its standard input what to do.

The first line is an order, in JSON. Each further one changes it: `{"held": […]}`, or `{"is_planning": false}` when all
is planned that will be. When the input ends, so does the worker, with what it has begun answered. Its last line is what
the sending came to, or why it ended before.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TextIO

from orchestration.delivery.esp.choice import esp_for
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.sender import send
from orchestration.errors import SincerelyError, plain_message
from orchestration.garbage import collect_rarely
from orchestration.settings import load_settings


@dataclass
class Order:
    """What a worker is to hand over. `sent_at` is ISO 8601, in UTC."""

    sent_at: str
    campaign: str | None = None
    held: tuple[str, ...] = ()
    is_planning: bool = False

    def change(self, changes: dict[str, Any]) -> None:
        """Takes a later line in."""
        self.held = tuple(changes.get("held", self.held))
        self.is_planning = bool(changes.get("is_planning", self.is_planning))


def work(lines: Iterator[str], answers: TextIO) -> int:
    """Hands over as it is told; the exit status is 1 when a person has to act."""
    collect_rarely()
    order = Order(**json.loads(next(lines)))
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(lines, order, stopped), daemon=True).start()
    try:
        settings = load_settings()
        sent = send(
            Outbox(settings.outbox_url),
            esp_for(settings),
            datetime.fromisoformat(order.sent_at),
            order.campaign,
            held=lambda: order.held,
            is_planning=lambda: order.is_planning,
            stopped=stopped,
        )
    except SincerelyError as error:
        answers.write(json.dumps({"error": plain_message(error)}) + "\n")
        return 1
    answers.write(json.dumps(asdict(sent)) + "\n")
    return 0


def _listen(lines: Iterator[str], order: Order, stopped: threading.Event) -> None:
    for line in lines:
        order.change(json.loads(line))
    stopped.set()


if __name__ == "__main__":
    sys.exit(work(iter(sys.stdin), sys.stdout))
