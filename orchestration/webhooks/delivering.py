"""Delivering: each webhook's changes told in order per person, different people at the same time.

A person's next change is told only when what came of the one before is on the disk: whatever is killed, a change
may be told twice, under the same webhook-id, but never after a later one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from orchestration.errors import SettingsError
from orchestration.webhooks import signing
from orchestration.webhooks.attempts import Verdict, judge
from orchestration.webhooks.deliveries import Deliveries, Delivery, Standing
from orchestration.webhooks.payload import Person, body
from orchestration.webhooks.receiver import Receiver
from orchestration.webhooks.settings import Webhook

People = Callable[[Sequence[str]], dict[str, Person]]

# How many deliveries are looked at together, and for how long one run delivers; what is left waits for the next.
_CHUNK = 5_000
RUN_TIME = timedelta(minutes=10)
# A wait up to this long is sat out, a longer one is left to the next run.
_SHORT_WAIT = timedelta(seconds=2)
# So many failures in a row, none of them one change's own, are taken as a receiver that is down.
_FAILURES_PER_CONNECTION = 3
_FEWEST_FAILURES = 10
# With so many changes a receiver that was down is tried, one after another, before it gets many at once.
_PROBES = 3


@dataclass
class Pushed:
    """What one run came to for one webhook, in deliveries; `problem` is words when the receiver is not well."""

    webhook: str
    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Clock:
    """Where the time and the jitter come from."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    draw: random.Random = field(default_factory=random.Random)


def deliver(
    webhooks: Sequence[Webhook],
    deliveries: Deliveries,
    people: People,
    run_time: timedelta = RUN_TIME,
    clock: Clock | None = None,
) -> list[Pushed]:
    """Makes every attempt that is due, for all webhooks at the same time; what came of each, in their order.

    `people` looks up who some person ids are today. Nobody else may deliver meanwhile.
    """
    try:
        return asyncio.run(_deliver(webhooks, deliveries, people, run_time, clock or Clock()))
    except ExceptionGroup as group:
        raise _first_of(group) from group


async def _deliver(
    webhooks: Sequence[Webhook], deliveries: Deliveries, people: People, run_time: timedelta, clock: Clock
) -> list[Pushed]:
    deadline = asyncio.get_running_loop().time() + run_time.total_seconds()
    async with _recorder(deliveries) as recorder:
        pushes = [_Push(webhook, deliveries, people, recorder, deadline, clock) for webhook in webhooks]
        async with asyncio.TaskGroup() as group:
            for push in pushes:
                group.create_task(push.run())
    return [push.pushed for push in pushes]


def _first_of(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


class _Recorder:
    """Writes outcomes down, those that came in during one write together in the next."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._waiting: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._has_work = asyncio.Event()

    async def record(self, delivery: Delivery) -> None:
        """Returns when the outcome is on the disk."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, written))
        self._has_work.set()
        await written

    async def run(self) -> None:
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._deliveries.record, [delivery for delivery, _ in batch])
            except Exception as error:  # handed on to those who wait: whatever it is, none of them may wait for ever
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
                continue
            for _, written in batch:
                if not written.done():
                    written.set_result(None)


@asynccontextmanager
async def _recorder(deliveries: Deliveries) -> AsyncIterator[_Recorder]:
    recorder = _Recorder(deliveries)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()


class _Push:
    """One webhook's deliveries in one run."""

    def __init__(
        self,
        webhook: Webhook,
        deliveries: Deliveries,
        people: People,
        recorder: _Recorder,
        deadline: float,
        clock: Clock,
    ) -> None:
        self.pushed = Pushed(webhook.name)
        self._webhook = webhook
        self._deliveries = deliveries
        self._people = people
        self._recorder = recorder
        self._deadline = deadline
        self._clock = clock
        self._keys: list[bytes] = []
        self._receivers: asyncio.Queue[Receiver] = asyncio.Queue()
        self._standing = Standing(webhook.name, taken_to=datetime.min)
        self._failures_in_a_row = 0
        self._last_error = ""
        self._resume_at = 0.0
        # Why no more attempts are made in this run; empty while they are.
        self._end = ""
        # People with a change that cannot be told now: none of their later ones is, either.
        self._blocked: set[str] = set()
        self._failed: set[str] = set()

    async def run(self) -> None:
        before = await asyncio.to_thread(self._deliveries.standing, self._webhook.name)
        if before is None:
            return
        self.pushed.problem = self._reason_not_to(before)
        if self.pushed.problem:
            return
        receivers = [
            Receiver(self._webhook.url, self._webhook.timeout_seconds) for _ in range(self._webhook.connections)
        ]
        for receiver in receivers:
            self._receivers.put_nowait(receiver)
        self._standing = dataclasses.replace(before, paused_until=None)
        try:
            await self._go_through()
        finally:
            for receiver in receivers:
                receiver.close()
        if self._standing != before:
            await asyncio.to_thread(self._deliveries.stand, self._standing)
        self.pushed.failed = len(self._failed)
        self.pushed.problem = self._end or self._last_problem()

    def _reason_not_to(self, standing: Standing) -> str:
        if standing.stopped_at:
            return f"is stopped since {standing.stopped_at:%Y-%m-%d %H:%M}: {self._gone()}"
        if standing.paused_until and standing.paused_until > self._now():
            return f"waits until {standing.paused_until:%Y-%m-%d %H:%M:%S} UTC, as the receiver asked for"
        try:
            self._keys = signing.keys_of(self._webhook.secret_env)
        except SettingsError as error:
            return f"cannot sign: {error}"
        return ""

    async def _go_through(self) -> None:
        position = 0
        while True:
            chunk = await asyncio.to_thread(self._deliveries.open_ones, self._webhook.name, position, _CHUNK)
            if not chunk or self._is_over():
                return
            position = chunk[-1].position
            people = await asyncio.to_thread(self._people, sorted({each.person_id for each in chunk}))
            lanes = self._lanes(chunk, people)
            while lanes and self._standing.is_down and not self._is_over():
                await self._tell(lanes.pop(0), people)
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(self._tell(lane, people))

    def _lanes(self, chunk: Sequence[Delivery], people: dict[str, Person]) -> list[list[Delivery]]:
        """The deliveries of each person that has one due, in their order."""
        lanes: dict[str, list[Delivery]] = {}
        for delivery in chunk:
            who = people[delivery.person_id].person_id
            if who in self._blocked:
                continue
            if who not in lanes and not self._is_due(delivery):
                self._blocked.add(who)
                continue
            lanes.setdefault(who, []).append(delivery)
        return list(lanes.values())

    async def _tell(self, lane: Sequence[Delivery], people: dict[str, Person]) -> None:
        for delivery in lane:
            person = people[delivery.person_id]
            if not await self._settle(delivery, person):
                self._blocked.add(person.person_id)
                return

    async def _settle(self, delivery: Delivery, person: Person) -> bool:
        """Tries a delivery, again after a short wait; whether the person's next one may be told now."""
        if not self._is_due(delivery):
            return False
        while True:
            verdict = await self._attempt(delivery, person)
            if verdict is None:
                return False
            delivery = verdict.delivery
            if verdict.is_settled:
                self._failed.discard(delivery.id)
                self.pushed.delivered += delivery.state == "delivered"
                self.pushed.given_up += delivery.state == "given_up"
                return True
            self._failed.add(delivery.id)
            wait = (delivery.next_attempt_at or datetime.max) - self._now()
            if verdict.is_gone or wait > _SHORT_WAIT:
                return False
            await asyncio.sleep(max(wait.total_seconds(), 0))

    async def _attempt(self, delivery: Delivery, person: Person) -> Verdict | None:
        """One request and what came of it, written down; None when this run makes no more."""
        # Held until it is written down: a kill leaves no more changes to be told again than there are connections.
        receiver = await self._receivers.get()
        try:
            await asyncio.sleep(max(self._resume_at - self._time(), 0))
            if self._is_over():
                return None
            content = body(delivery, person, self._webhook.include)
            headers = signing.headers(self._keys, delivery.id, self._clock.now(), content)
            answer = await receiver.post(headers, content)
            verdict = judge(delivery, answer, self._webhook.max_attempts, self._clock.now(), self._clock.draw)
            self._heed(verdict)
            await self._recorder.record(verdict.delivery)
            return verdict
        finally:
            self._receivers.put_nowait(receiver)

    def _heed(self, verdict: Verdict) -> None:
        """What the attempt says of the receiver, for those that are made after it."""
        self._last_error = verdict.delivery.last_error or self._last_error
        if verdict.is_gone:
            self._standing = dataclasses.replace(self._standing, stopped_at=self._now())
            self._end = f"is stopped: {self._gone()}"
            return
        if not verdict.is_receivers_fault:
            self._failures_in_a_row = 0
            self._standing = dataclasses.replace(self._standing, is_down=False)
            return
        if verdict.pause is not None:
            self._pause(verdict.pause)
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= (_PROBES if self._standing.is_down else self._most_failures()):
            self._standing = dataclasses.replace(self._standing, is_down=True)
            self._end = self._end or f"breaks off for this run: the receiver {self._last_error}"

    def _pause(self, pause: timedelta) -> None:
        if pause <= _SHORT_WAIT:
            self._resume_at = max(self._resume_at, self._time() + pause.total_seconds())
            return
        until = self._now() + pause
        self._standing = dataclasses.replace(self._standing, paused_until=until)
        self._end = self._end or f"waits until {until:%Y-%m-%d %H:%M:%S} UTC, as the receiver asked for"

    def _most_failures(self) -> int:
        return max(_FEWEST_FAILURES, self._webhook.connections * _FAILURES_PER_CONNECTION)

    def _is_over(self) -> bool:
        if not self._end and self._time() >= self._deadline:
            self._end = "has more to tell than one run may take"
        return bool(self._end)

    def _is_due(self, delivery: Delivery) -> bool:
        return delivery.next_attempt_at is None or delivery.next_attempt_at <= self._now()

    def _last_problem(self) -> str:
        undone = self.pushed.failed + self.pushed.given_up
        return f"did not deliver {undone:,}: the receiver {self._last_error}" if undone else ""

    def _gone(self) -> str:
        return (
            "the receiver answered 410 Gone and wants no more; take it out of webhooks.toml, or run "
            f"`sincerely webhook retry {self._webhook.name}`"
        )

    def _now(self) -> datetime:
        return self._clock.now().astimezone(UTC).replace(tzinfo=None)

    def _time(self) -> float:
        return asyncio.get_running_loop().time()
