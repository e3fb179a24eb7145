"""How fast: as the ESP's answers say, with back-off in between, and a budget of retries for each campaign."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from orchestration.delivery.esp.base import Answer, EspError


@dataclass(frozen=True)
class Patience:
    """How long and how often one sending tries again.

    The wait before the n-th attempt in a row is drawn evenly up to `first_wait` * 2**n, at most `longest_wait`: those
    who failed together do not come back together (full jitter).
    """

    first_wait: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=1)
    # An ESP may ask for a longer pause than ours; beyond this one, what is left waits for the next run.
    longest_pause: timedelta = timedelta(minutes=5)
    retries_per_campaign: int = 50
    # So many requests in a row without a readable answer, and nothing more is risked.
    unknown_in_a_row: int = 3


class Throttle:
    """Shared by all connections of a sending."""

    def __init__(self, patience: Patience, draw: random.Random | None = None) -> None:
        self._patience = patience
        self._draw = draw or random.Random()
        self._lock = threading.Lock()
        self._resumes_at = 0.0
        self._failures_in_a_row = 0
        self._unknown_in_a_row = 0
        self._retries: Counter[str] = Counter()
        self.spent: set[str] = set()
        # From when on no connection asks any longer, though the error that says why is still on its way.
        self.is_over = False

    def wait(self, stopped: threading.Event) -> None:
        """Sleeps while the ESP, or our back-off, asks for it; returns early when the sending stops."""
        while not stopped.is_set():
            with self._lock:
                seconds = self._resumes_at - time.monotonic()
            if seconds <= 0:
                return
            stopped.wait(seconds)

    def hear(self, campaign: str, answer: Answer, asked: int) -> bool:
        """Takes an answer about `asked` messages into account; whether what is left may be tried again in this sending.

        Raises EspError when one request after another got no readable answer.
        """
        with self._lock:
            is_unreadable = bool(answer.unknown) and len(answer.unknown) + len(answer.left) == asked
            self._unknown_in_a_row = self._unknown_in_a_row + 1 if is_unreadable else 0
            # One says so; what the others hear, whose requests were under way, changes nothing.
            if self._unknown_in_a_row >= self._patience.unknown_in_a_row and not self.is_over:
                self.is_over = True
                reason = next(iter(answer.unknown.values()), "")
                raise EspError(
                    f"{self._unknown_in_a_row} requests in a row got no readable answer ({reason}), so nothing more "
                    "is handed over now. See `sincerely status` for what is unknown; run again when the ESP is well."
                )
            if answer.pause:
                self._pause(answer.pause)
            if not answer.left:
                self._failures_in_a_row = 0
                return True
            if answer.is_to_be_halved or answer.is_to_be_repeated:
                return True
            self._retries[campaign] += 1
            if (
                self._retries[campaign] > self._patience.retries_per_campaign
                or (answer.pause or timedelta()) > self._patience.longest_pause
            ):
                self.spent.add(campaign)
                return False
            if not answer.pause:
                self._pause(self._back_off())
            return True

    def _back_off(self) -> timedelta:
        wait = self._patience.first_wait * 2 ** min(self._failures_in_a_row, 16)
        self._failures_in_a_row += 1
        return min(wait, self._patience.longest_wait) * self._draw.random()

    def _pause(self, pause: timedelta) -> None:
        pause = min(pause, self._patience.longest_pause)
        self._resumes_at = max(self._resumes_at, time.monotonic() + pause.total_seconds())
