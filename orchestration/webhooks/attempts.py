"""What an attempt's answer means: delivered, again later, or never; and what it says of the receiver."""

from __future__ import annotations

import dataclasses
import email.utils
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from orchestration.webhooks.deliveries import Delivery

# The first wait, by how much each is longer than the one before, and the longest: with 12 attempts three days.
FIRST_WAIT = timedelta(seconds=1)
_LONGER_BY = 8
LONGEST_WAIT = timedelta(hours=12)
# A receiver may ask for a longer wait than ours, but not for any.
LONGEST_RETRY_AFTER = timedelta(hours=24)
# A request that the receiver understood and refused is hardly better the next time.
REFUSED_ATTEMPTS = 3

# These speak of the sender or of the whole receiver, not of the one change that was told.
_OF_THE_RECEIVER = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass(frozen=True)
class Answer:
    """What came of one request: a status, or words for why there is none."""

    status: int | None = None
    error: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class Verdict:
    """The delivery after the attempt, and what else follows."""

    delivery: Delivery
    # The receiver is gone (410), or asks every sender for this pause.
    is_gone: bool = False
    pause: timedelta | None = None
    # It failed in a way that the next change would, too.
    is_receivers_fault: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether the person's next change may be told."""
        return self.delivery.state in ("delivered", "given_up")


def judge(delivery: Delivery, answer: Answer, max_attempts: int, now: datetime, draw: random.Random) -> Verdict:
    """The verdict on an attempt that was answered at `now` (UTC)."""
    attempts = delivery.attempts + 1
    tried = dataclasses.replace(
        delivery,
        attempts=attempts,
        last_status=answer.status,
        last_error=words(answer)[:200] or None,
        next_attempt_at=None,
    )
    naive = now.astimezone(UTC).replace(tzinfo=None)
    if answer.status is not None and 200 <= answer.status < 300:
        return Verdict(dataclasses.replace(tried, state="delivered", delivered_at=naive))
    if answer.status == HTTPStatus.GONE:
        return Verdict(dataclasses.replace(tried, state="failed"), is_gone=True)
    most = min(max_attempts, REFUSED_ATTEMPTS) if _is_refusal(answer.status) else max_attempts
    faulty = answer.status is None or not 400 <= answer.status < 500 or answer.status in _OF_THE_RECEIVER
    pause = min(answer.retry_after, LONGEST_RETRY_AFTER) if answer.retry_after is not None else None
    if attempts >= most:
        given_up = dataclasses.replace(tried, state="given_up")
        return Verdict(given_up, pause=pause, is_receivers_fault=faulty)
    wait = max(backoff(attempts, draw), pause or timedelta())
    failed = dataclasses.replace(tried, state="failed", next_attempt_at=naive + wait)
    return Verdict(failed, pause=pause, is_receivers_fault=faulty)


def backoff(attempts: int, draw: random.Random) -> timedelta:
    """How long to wait after so many attempts: longer each time, and never the same for many at once."""
    wait = min(FIRST_WAIT * _LONGER_BY ** min(attempts - 1, 10), LONGEST_WAIT)
    return wait * draw.uniform(0.5, 1.0)


def retry_after(value: str, now: datetime) -> timedelta | None:
    """A Retry-After header, seconds or a date (RFC 9110, 10.2.3); None when it says nothing of use."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text), LONGEST_RETRY_AFTER.total_seconds()))
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return max(until - now, timedelta())


def _is_refusal(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS


def words(answer: Answer) -> str:
    """What was wrong with an answer; empty for one that took the request."""
    if answer.status is None:
        return answer.error
    if 200 <= answer.status < 300:
        return ""
    try:
        phrase = f" {HTTPStatus(answer.status).phrase}"
    except ValueError:
        phrase = ""
    redirect = ", and redirects are not followed: write the new address" if 300 <= answer.status < 400 else ""
    return f"answered {answer.status}{phrase}{redirect}"
