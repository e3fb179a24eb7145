"""How many messages of `loyalty_reward` are rendered, recorded and taken by a SendGrid that answers in 50 ms, and how
many an SMTP server takes over four connections; with the share of the time that each step has.

`python -m tests.bench.sending --messages 1000000`. The senders run beside the rendering, as processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.delivery import outbox as outbox_module
from orchestration.delivery.crew import crew
from orchestration.delivery.esp.smtp import Smtp
from orchestration.delivery.making import Maker
from orchestration.delivery.outbox import Outbox, Planned
from orchestration.delivery.sender import send
from orchestration.delivery.stored import store
from orchestration.delivery.worker import Order as SendingOrder
from orchestration.delivery.writers import writers
from orchestration.delivery.writing_down import Order
from orchestration.garbage import collect_rarely
from rendering.batches import Renderer
from rendering.campaign import CAMPAIGNS, Campaign, load_campaign
from rendering.links import Site
from rendering.parts import Rule
from rendering.payload import Payload
from rendering.templates import compile_campaign
from tests.bench.rendering import batch
from tests.esp.cases import payload
from tests.esp.sendgrid import API_KEY, OWN_TEMPLATE_ID, TEMPLATE_ID
from tests.esp.serve import served

BATCH_MESSAGES = 1_000
ANSWER_SECONDS = 0.05
SENT_AT = datetime(2018, 1, 1, 17, tzinfo=UTC)
SITE = Site("https://mail.example.com", b"a secret of enough bytes")
_FEW_BATCHES = 10
FORMS = {
    "rendered": "rendered messages, 1,000 a request",
    "merge_data": "merge data for the vendor's template, 1,000 a request",
}


@dataclass
class Measured:
    """One run. CPU seconds are of all its processes; the fake's are the network's and the vendor's share."""

    messages: int
    seconds: float = 0.0
    message_bytes: int = 0
    stored_bytes: int = 0
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    peak_gib: float = 0.0
    taken: int = 0
    taken_twice: int = 0

    @property
    def per_second(self) -> float:
        return self.messages / self.seconds


def renderer(form: str = "rendered") -> Renderer:
    """The loyalty campaign compiled, as it is or with a template that the vendor keeps."""
    return Renderer(compile_campaign(_campaign(form)), SITE, as_merge_data=True)


def measured(messages: int, senders: int = 1, form: str = "rendered") -> Measured:
    """Renders, records and hands over `messages` of the loyalty campaign, in one of FORMS."""
    found = Measured(messages)
    with (
        _children() as of_children,
        tempfile.TemporaryDirectory() as folder,
        served("sendgrid", ANSWER_SECONDS) as fake,
    ):
        outbox = Outbox(f"sqlite:///{folder}/outbox.sqlite")
        order = Order(_campaign(form), SITE, outbox.url, SENT_AT.replace(tzinfo=None), fills_templates=True)
        people = _records(Path(folder), messages)
        sending = SendingOrder(SENT_AT.isoformat(), is_planning=True)
        with (
            crew(sending, senders, _environ(Path(folder), fake.url)) as team,
            writers(order, outbox, large=0) as planning,
        ):
            started, own = time.perf_counter(), time.process_time()
            for records in pa.ipc.open_stream(pa.OSFile(str(people))):
                planning.take(records)
            written = planning.ended()
            of_children["writers"] = resource.getrusage(resource.RUSAGE_CHILDREN)
            sent = team.ended()
            found.seconds = time.perf_counter() - started
            own = time.process_time() - own
        of_children["senders"] = resource.getrusage(resource.RUSAGE_CHILDREN)
        shares = _shares(order, Path(folder), people, found)
    assert written.planned == sent.accepted == messages, (written, sent)
    found.taken, found.taken_twice = fake.taken, fake.taken_twice
    moments = ("before", "writers", "senders", "after")
    before, of_writers, of_senders, after = (_cpu(of_children[moment]) for moment in moments)
    found.cpu_seconds = {
        **{step: share * (of_writers - before) for step, share in shares.items()},
        "giving records out": own,
        "handing over": of_senders - of_writers,
        "the fake ESP": after - of_senders,
    }
    # The fake has not ended by then: it remembers every message, to know of one that comes twice.
    largest = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, of_children["senders"].ru_maxrss)
    found.peak_gib = largest / 2**20
    return found


def _shares(order: Order, folder: Path, people: Path, found: Measured) -> dict[str, float]:
    """The share of a writer's time that each step has, of a few batches made here; they are the last of all."""
    outbox = Outbox(f"sqlite:///{folder}/few.sqlite")
    maker = Maker(order.campaign, order.site, fills_templates=order.fills_templates)
    clock = _Clock()
    with _packing(clock) as sizes:
        for number, records in enumerate(pa.ipc.open_stream(pa.OSFile(str(people)))):
            if number == _FEW_BATCHES:
                break
            with clock.step("rendering"):
                made = maker.make(records).messages
            with clock.step("recording"):
                outbox.plan(made, order.planned_at)
            contents = [len(store(each.payload).content) for each in made if each.payload]
            found.message_bytes = contents[-1]
            found.stored_bytes = sizes[-1] // len(contents)
    clock.spent["recording"] -= clock.spent["compression"]
    whole = sum(clock.spent.values())
    return {step: seconds / whole for step, seconds in clock.spent.items()}


class _Clock:
    """CPU time of this process, by step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.process_time()
        yield
        self.spent[name] = self.spent.get(name, 0.0) + time.process_time() - started


def smtp_per_second(messages: int = 2_000) -> float:
    """Messages of 10 kB a second over four connections to a local server."""
    with tempfile.TemporaryDirectory() as folder, served("smtp") as fake:
        outbox = Outbox(f"sqlite:///{folder}/outbox.sqlite")
        for first in range(0, messages, 250):
            payloads = [payload(number, size=10_000) for number in range(first, first + 250)]
            outbox.plan([_planned(each) for each in payloads], SENT_AT.replace(tzinfo=None))
        started = time.perf_counter()
        assert send(outbox, Smtp(fake.url), SENT_AT).accepted == messages
        seconds = time.perf_counter() - started
    assert fake.taken == messages
    return messages / seconds


def told(found: Measured) -> str:
    """The run in a few lines."""
    whole = sum(found.cpu_seconds.values())
    shares = ", ".join(f"{name} {seconds:.1f} s ({seconds / whole:.0%})" for name, seconds in found.cpu_seconds.items())
    return (
        f"{'sending by SendGrid':<32} {found.messages:>12,} messages of {found.message_bytes / 1000:.0f} kB "
        f"{found.seconds:>8.1f} s {found.per_second:>10,.0f} messages/s, largest process {found.peak_gib:.2f} GiB, "
        f"twice {found.taken_twice}\n{'  of its CPU time':<32} {shares}; "
        f"stored at {found.stored_bytes:,} bytes a message"
    )


def _campaign(form: str) -> Campaign:
    campaign = load_campaign(CAMPAIGNS / "loyalty_reward")
    return replace(campaign, dynamic_template=OWN_TEMPLATE_ID) if form == "merge_data" else campaign


def _records(folder: Path, messages: int) -> Path:
    """The people to write to, as `records.sql` gives them: on disk, for to make them up is no part of it."""
    path = folder / "people.arrows"
    with pa.ipc.new_stream(str(path), _of_sql(batch(0, 1)).schema) as stream:
        for first in range(0, messages, BATCH_MESSAGES):
            stream.write_batch(_of_sql(batch(first, min(BATCH_MESSAGES, messages - first))))
    return path


def _of_sql(people: pa.RecordBatch) -> pa.RecordBatch:
    """`people` with the rules that won instead of their blocks, and with what planning knows of each message."""
    wide = people.cast(pa.schema([_wide(each) for each in people.schema]))
    slots = load_campaign(CAMPAIGNS / "loyalty_reward").slots
    rules = {slot: _rules(slots[slot], wide.column("slots").field(slot)) for slot in slots}
    columns = {
        **{name: wide.column(name) for name in wide.schema.names if name != "slots"},
        "rules": pa.StructArray.from_arrays(list(rules.values()), list(rules)),
        "is_holdout": pa.array([False] * len(wide)),
        "exclusion_reason": pa.nulls(len(wide), pa.string()),
        "not_before": pa.nulls(len(wide), pa.timestamp("us")),
        "expires_at": pa.array([datetime(2018, 2, 1)] * len(wide), pa.timestamp("us")),
        "quiet_hours": pa.array(["21-8 America/New_York"] * len(wide)),
    }
    return pa.record_batch(columns)


def _rules(known: Sequence[Rule], blocks: pa.Array) -> pa.Array:
    return pa.array([rule.name for rule in known]).take(
        pc.index_in(blocks, value_set=pa.array([rule.block for rule in known]))
    )


def _wide(field: pa.Field) -> pa.Field:
    """A field that takes the amounts of all batches."""
    kind = field.type
    if pa.types.is_decimal(kind):
        return field.with_type(pa.decimal128(18, 2))
    if pa.types.is_list(kind):
        return field.with_type(pa.list_(pa.struct([_wide(each) for each in kind.value_type])))
    return field


@contextmanager
def _packing(clock: _Clock) -> Iterator[list[int]]:
    """Times the compression apart from the database; what comes of it are the batches' sizes."""
    pack = outbox_module.pack
    sizes: list[int] = []

    def timed(payloads: list[Payload]) -> bytes:
        with clock.step("compression"):
            packed = pack(payloads)
        sizes.append(len(packed))
        return packed

    outbox_module.pack = timed  # type: ignore[assignment]
    try:
        yield sizes
    finally:
        outbox_module.pack = pack


@contextmanager
def _children() -> Iterator[dict[str, resource.struct_rusage]]:
    used = {"before": resource.getrusage(resource.RUSAGE_CHILDREN)}
    yield used
    used["after"] = resource.getrusage(resource.RUSAGE_CHILDREN)


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _planned(payload: Payload) -> Planned:
    return Planned(
        payload.message_id, payload.campaign, payload.occurrence, payload.person_id, payload.variant, payload=payload
    )


def _environ(home: Path, url: str) -> dict[str, str]:
    return {
        **os.environ,
        "SINCERELY_HOME": str(home),
        "SINCERELY_ESP": "sendgrid",
        "SINCERELY_SECRET": "a secret of the bench alone",
        "SINCERELY_SENDGRID_API_KEY": API_KEY,
        "SINCERELY_SENDGRID_TEMPLATE_ID": TEMPLATE_ID,
        "SINCERELY_SENDGRID_URL": url,
    }


def main() -> None:
    """Prints the figures, and the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--form", choices=FORMS, default="rendered")
    arguments = parser.parse_args()
    collect_rarely()  # as the commands do
    found = measured(arguments.messages, arguments.senders, arguments.form)
    print(told(found))
    rate = smtp_per_second()
    print(f"{'sending by SMTP':<32} {rate:>10,.0f} messages/s over {Smtp.limits.connections} connections")
    print(json.dumps({**asdict(found), "per_second": round(found.per_second), "smtp_per_second": round(rate)}))


if __name__ == "__main__":
    main()
