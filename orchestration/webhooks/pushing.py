"""One run of the webhooks: new changes are written down, then everything that is due is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from orchestration import refreshes
from orchestration.locks import exclusive
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.webhooks import changes
from orchestration.webhooks.deliveries import Deliveries, Retried
from orchestration.webhooks.delivering import Pushed, deliver
from orchestration.webhooks.settings import Webhook, load_webhooks

_LOCK_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Run:
    """How many changes were written down, what became of the deliveries that were due, and who is not well."""

    taken: int
    pushed: Sequence[Pushed]
    problems: dict[str, str]


@dataclass(frozen=True)
class Retry:
    """What was put in line again, and the run that followed."""

    retried: Retried
    run: Run


def run(settings: Settings, warehouse: Warehouse, as_of: datetime) -> Run:
    """Pushes what changed up to `as_of` (UTC), to every webhook of the home.

    Raises SettingsError for a `webhooks.toml` that cannot be used, and LockedError while somebody else delivers.
    """
    webhooks = load_webhooks(settings.home)
    if not webhooks:
        return Run(0, (), {})
    deliveries = Deliveries(settings.outbox_url)
    with _alone(settings, deliveries):
        taken = 0
        if warehouse.exists(changes.TRANSITIONS) and refreshes.is_of_all_that_landed(warehouse):
            taken = sum(changes.take(warehouse, deliveries, webhook, as_of) for webhook in webhooks)
        return _told(webhooks, deliveries, warehouse, taken)


def retry(settings: Settings, warehouse: Warehouse, webhook: Webhook) -> Retry:
    """Lets one webhook try at once all that is open or was given up, and go on if it was stopped."""
    deliveries = Deliveries(settings.outbox_url)
    with _alone(settings, deliveries):
        retried = deliveries.retry(webhook.name)
        return Retry(retried, _told([webhook], deliveries, warehouse, 0))


def _told(webhooks: Sequence[Webhook], deliveries: Deliveries, warehouse: Warehouse, taken: int) -> Run:
    pushed = deliver(webhooks, deliveries, lambda person_ids: changes.people(warehouse, person_ids))
    counts = deliveries.counts()
    problems = {}
    for each in pushed:
        if each.problem:
            left = counts.get(each.webhook, {})
            problems[each.webhook] = f"Webhook {each.webhook} {each.problem}; {waiting_words(left)}."
    return Run(taken, pushed, problems)


def waiting_words(counts: Mapping[str, int]) -> str:
    """How many changes are neither delivered nor given up, of the counts of one webhook."""
    waiting = counts.get("waiting", 0) + counts.get("failed", 0)
    return "1 change waits" if waiting == 1 else f"{waiting:,} changes wait"


@contextmanager
def _alone(settings: Settings, deliveries: Deliveries) -> Iterator[None]:
    with exclusive(settings.home / "webhooks.lock", wait_seconds=_LOCK_WAIT_SECONDS), deliveries.alone():
        yield
