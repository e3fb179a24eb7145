"""Handing over: takes planned batches from the outbox, gives them to the ESP, records its answers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from orchestration.delivery.esp.base import Answer, Esp
from orchestration.delivery.esp.choice import esp_for
from orchestration.delivery.leases import Lease
from orchestration.delivery.outbox import Outbox
from orchestration.delivery.splitting import requests
from orchestration.delivery.stored import Stored
from orchestration.delivery.throttle import Patience, Throttle
from orchestration.errors import DeliveryError, StorageError

__all__ = ["Sent", "esp_for", "send"]
PATIENCE = Patience()
# What an ESP deferred for its own sake, such as a greylisted address, waits so long and for another sending.
_DEFERRED = timedelta(minutes=5)
# A message that nothing but merge data is kept of would come to its reader empty from any other.
_STRANDED = "it was made for a template that another ESP keeps; set SINCERELY_ESP to that one, or cancel the campaign"
_SETTLING_WAITS = (timedelta(seconds=0.2), timedelta(seconds=2))
_PLANNING_LOOKED_AT = timedelta(seconds=0.1)


@dataclass
class Sent:
    """What a sending came to, in messages."""

    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    # Planned still, for the ESP would not take them this time.
    left: int = 0
    taken_back: int = 0
    withdrawn: int = 0

    def add(self, other: Sent) -> None:
        """Counts another sending's in."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


Held = Collection[str] | Callable[[], Collection[str]]


def send(
    outbox: Outbox,
    esp: Esp,
    sent_at: datetime,
    campaign: str | None = None,
    on_batch: Callable[[Sent], None] | None = None,
    held: Held = (),
    revoked: Mapping[str, str] = MappingProxyType({}),
    patience: Patience = PATIENCE,
    is_planning: Callable[[], bool] = lambda: False,
    stopped: threading.Event | None = None,
) -> Sent:
    """Hands every planned message over; `sent_at` (UTC) is the time recorded for what is accepted.

    What earlier runs planned for the `held` campaigns waits, and so does what is for a later hour than `sent_at`; a
    function is asked before each batch. The `revoked` messages (id to reason) are rejected, for whom they are to must
    not be written to any longer, and so is what has expired when its turn comes. What a dead worker left half-way is
    handed over again only where that changes nothing; elsewhere it is unknown. While `is_planning`, an empty outbox is
    no reason to end. Once `stopped` is set, requests under way are answered and nothing more is asked.
    """
    sent = Sent()
    sent.withdrawn = outbox.withdraw(revoked)
    recovered = outbox.leases.recover()
    sent.taken_back, sent.unknown = recovered.planned, recovered.unknown
    with outbox.leases.workers.joined() as worker:
        sending = _Sending(
            outbox, esp, sent_at, campaign, on_batch, held, patience, is_planning, stopped or threading.Event(),
            worker, sent,
        )  # fmt: skip
        try:
            sending.run()
        finally:
            esp.finish()
    return sent


class _Sending:
    """One worker's connections, and what they share."""

    def __init__(
        self,
        outbox: Outbox,
        esp: Esp,
        sent_at: datetime,
        campaign: str | None,
        on_batch: Callable[[Sent], None] | None,
        held: Held,
        patience: Patience,
        is_planning: Callable[[], bool],
        stopped: threading.Event,
        worker: str,
        sent: Sent,
    ) -> None:
        self._outbox = outbox
        self._esp = esp
        self._sent_at = sent_at.astimezone(UTC).replace(tzinfo=None)
        self._campaign = campaign
        self._on_batch = on_batch
        self._held = held if callable(held) else lambda: held
        self._throttle = Throttle(patience)
        self._is_planning = is_planning
        self._worker = worker
        self._sent = sent
        self._started = time.monotonic()
        self._stopped = stopped
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """Returns when nothing is due any longer; raises the first error of a connection when all have ended."""
        ended = threading.Event()
        heart = threading.Thread(target=self._keep_leases, args=(ended,), daemon=True)
        heart.start()
        others = [threading.Thread(target=self._guarded) for _ in range(self._esp.limits.connections - 1)]
        try:
            for thread in others:
                thread.start()
            self._guarded()
            for thread in others:
                thread.join()
        except BaseException:
            # Somebody ends this process: what is under way is answered first.
            self._stopped.set()
            for thread in others:
                if thread.is_alive():
                    thread.join()
            raise
        finally:
            ended.set()
            heart.join()
        if self._errors:
            raise self._errors[0]

    def _guarded(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._errors.append(error)
            self._stopped.set()

    def _work(self) -> None:
        while not (self._stopped.is_set() or self._throttle.is_over):
            # Asked first: what was planned before the planning ended is not missed.
            is_planning = self._is_planning()
            held = {*self._held(), *self._throttle.spent}
            lease = self._outbox.leases.take(self._worker, self._campaign, held, self._sent_at)
            if lease is not None:
                not_before = None
                try:
                    not_before = self._deliver(lease)
                finally:
                    self._outbox.leases.give_back(lease, not_before)
            elif is_planning:
                self._stopped.wait(_PLANNING_LOOKED_AT.total_seconds())
            else:
                return

    def _deliver(self, lease: Lease) -> datetime | None:
        """Hands a batch over; returns until when what is left of it has to wait, where nothing of it might go now."""
        esp, settling = self._esp, self._outbox.settling
        parts = deque(requests(lease.messages, esp.limits, esp.size_of))
        waits: list[datetime] = []
        while parts:
            self._throttle.wait(self._stopped)
            if self._stopped.is_set() or self._throttle.is_over or lease.campaign in self._throttle.spent:
                break
            part = parts.popleft()
            going, waiting_until = settling.begin(lease, part, esp.name, esp.is_idempotent, self._now())
            if waiting_until:
                waits.append(waiting_until)
            if not going:
                continue
            answer = self._asked(lease, going)
            self._settle(lease, going, answer)
            self._count(going, answer)
            if answer.deferred:
                waits.append(self._now() + _DEFERRED)
            if not self._throttle.hear(lease.campaign, answer, len(going)):
                self._add(Sent(left=len(answer.left)))
                break
            again = [message for message in going if message.message_id in answer.left]
            if answer.is_to_be_halved and len(again) > 1:
                middle = len(again) // 2
                parts.extendleft([again[middle:], again[:middle]])
            elif again:
                parts.appendleft(again)
        else:
            return min(waits, default=None)
        return None

    def _asked(self, lease: Lease, going: Sequence[Stored]) -> Answer:
        merged = [] if self._esp.fills_templates else [message for message in going if message.template_id]
        if merged:
            stranded = {message.message_id: _STRANDED for message in merged}
            # Written down first: whatever becomes of the others, these were given to nobody.
            self._settle(lease, merged, Answer(deferred=stranded))
            whole = [message for message in going if message.message_id not in stranded]
            answer = self._asked(lease, whole) if whole else Answer()
            return replace(answer, deferred={**answer.deferred, **stranded})
        try:
            return self._esp.hand_over(going, lease.planned_at.replace(tzinfo=UTC))
        except (DeliveryError, StorageError) as error:
            reason = type(error).__name__
            self._settle(lease, going, Answer(left={message.message_id: reason for message in going}))
            raise
        except BaseException as error:
            reason = f"the handing over broke ({type(error).__name__})"
            self._settle(lease, going, Answer(unknown={message.message_id: reason for message in going}))
            raise

    def _settle(self, lease: Lease, going: Sequence[Stored], answer: Answer) -> None:
        """Writes an answer down: one that was read is worth more than one attempt at a busy or full disk."""
        for wait in (*_SETTLING_WAITS, None):
            try:
                return self._outbox.settling.settle(lease, going, answer, self._sent_at)
            except StorageError:
                if wait is None:
                    raise
                time.sleep(wait.total_seconds())

    def _count(self, going: Sequence[Stored], answer: Answer) -> None:
        self._add(
            Sent(
                accepted=len(going) - answer.named,
                rejected=len(answer.rejected),
                unknown=len(answer.unknown),
                left=len(answer.deferred),
            )
        )

    def _add(self, part: Sent) -> None:
        with self._lock:
            self._sent.add(part)
            if self._on_batch:
                self._on_batch(self._sent)

    def _now(self) -> datetime:
        """The run's instant, and the time since: a long sending notices what expires under it."""
        return self._sent_at + timedelta(seconds=time.monotonic() - self._started)

    def _keep_leases(self, ended: threading.Event) -> None:
        while not ended.wait(self._outbox.leases.length.total_seconds() / 4):
            try:
                self._outbox.leases.renew(self._worker)
            except StorageError:
                # The next beat comes before the leases run out.
                continue
