"""The whole audience, not a sample: every recipient's message made and looked at, and none written down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.delivery import planner
from orchestration.delivery.making import with_slots
from orchestration.warehouse import Warehouse
from rendering.batches import Renderer
from rendering.campaign import Campaign
from rendering.check_parts import AudienceLimits
from rendering.derived import sources
from rendering.errors import RenderError
from rendering.links import Site
from rendering.lint import MAX_HTML_BYTES
from rendering.payload import Payload
from rendering.templates import compile_campaign

TABLE = "raw.audience_checks"
_EXAMPLES = 3
_NOT_PLANNED = "and not candidates.is_planned"
_PERCENTILES = (50, 95, 99, 100)


class _SameLinks(Site):
    """Gives every message the same links, as long as real ones: what differs then is what people read."""

    def links(self, message_id: str, purpose: str) -> tuple[str, str, str]:
        """As `Site.links`, of one message for all."""
        return super().links("0" * 64, purpose)


@dataclass
class Group:
    """Messages of which the same is true: how many, and whose a few of them are (person ids)."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, person_ids: list[str], count: int | None = None) -> None:
        """Counts people, the first of whom become examples."""
        self.count += len(person_ids) if count is None else count
        self.examples += person_ids[: _EXAMPLES - len(self.examples)]


@dataclass
class AudienceCheck:
    """What the messages of one occurrence come to."""

    campaign: str
    occurrence: str
    messages: int = 0
    failed: dict[str, Group] = field(default_factory=dict)
    missing: dict[str, Group] = field(default_factory=dict)
    empty_recommendations: Group = field(default_factory=Group)
    oversized: Group = field(default_factory=Group)
    identical: Group = field(default_factory=Group)
    # Bytes of HTML, by percentile.
    html_bytes: dict[str, int] = field(default_factory=dict)
    # How many messages show what, as slot and rule.
    rules: dict[str, int] = field(default_factory=dict)

    def share(self, count: int) -> float:
        """`count` as a share of all messages, those that failed among them."""
        return count / self.messages if self.messages else 0.0


def look(warehouse: Warehouse, campaign: Campaign, occurrence: str, *, also_planned: bool = False) -> AudienceCheck:
    """Makes the message of everybody who is still to get the campaign's occurrence, with `also_planned` of those too
    whose message is written down already. Holds one batch of them at a time."""
    check = AudienceCheck(campaign.name, occurrence)
    compiled = compile_campaign(campaign)
    site = _SameLinks("https://mail.example.com", b"for looking at messages only")
    renderers = {name: Renderer(own, site) for name, own in compiled.variants.items()}
    seen = _Seen(check, campaign)
    for records in _records(warehouse, campaign, occurrence, also_planned):
        for name in pc.unique(records.column("variant")).to_pylist():
            renderer = renderers.get(name) or renderers.setdefault(name, Renderer(compiled.of(name), site))
            is_mine = pc.equal(records.column("variant"), name) if name else pc.is_null(records.column("variant"))
            mine = records.filter(is_mine)
            seen.values(mine)
            slotted = with_slots(compiled.of(name).campaign, mine)
            people = mine.column("person_id").to_pylist()
            for person_id, made in zip(people, renderer.render(slotted), strict=True):
                seen.message(person_id, made)
    seen.finish()
    return check


def causes(check: AudienceCheck, limits: AudienceLimits, last: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What goes beyond the limits: what it is, by one name however often it is found, and a sentence. `last` are the
    facts of the last occurrence."""
    groups = [("missing", name, f"have no {name}", group) for name, group in check.missing.items()]
    groups += [("failed", reason, f"fail ({reason.rstrip('.')})", group) for reason, group in check.failed.items()]
    groups += [
        ("empty_recommendations", "", "have no product to show", check.empty_recommendations),
        ("oversized", "", f"have more than {MAX_HTML_BYTES // 1024} KB of HTML", check.oversized),
        ("identical", "", "say the same as somebody else's", check.identical),
    ]
    for limit, name, words, group in groups:
        most, share = getattr(limits, limit), check.share(group.count)
        if most is not None and share > most:
            people = f", for example {group.examples[0]}'s" if group.examples else ""
            counted = f"{group.count:,} of {check.messages:,} messages ({share:.0%})"
            yield f"{limit} {name}".strip(), f"{counted} {words}{people}; allowed are {most:.0%}"
    if limits.changed is not None and last:
        for name, before, now in changes(check, last):
            if abs(now - before) > limits.changed * (abs(before) if name == "messages" else 1):
                moved = f"{name} went from {_shown(before)} to {_shown(now)} since the last occurrence"
                yield f"changed {name}", moved


def changes(check: AudienceCheck, last: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """What is otherwise than in the last occurrence: its name, what it was, what it is; shares but for `messages`."""
    total = last["messages"] or 1
    if last["messages"] != check.messages:
        yield "messages", float(last["messages"]), float(check.messages)
    for name in sorted({*last["rules"], *check.rules}):
        before, now = last["rules"].get(name, 0) / total, check.share(check.rules.get(name, 0))
        if round(before, 3) != round(now, 3):
            yield f"the share of {name}", before, now
    for name in sorted({*last["missing"], *check.missing}):
        before = last["missing"].get(name, {"count": 0})["count"] / total
        now = check.share(check.missing[name].count if name in check.missing else 0)
        if round(before, 3) != round(now, 3):
            yield f"the share without {name}", before, now


def last_facts(warehouse: Warehouse, campaign: str, occurrence: str) -> dict[str, Any] | None:
    """The facts that were recorded of the occurrence before this one."""
    if not warehouse.exists(TABLE):
        return None
    rows = warehouse.rows(
        f"select facts from {TABLE} where campaign = ? and occurrence <> ? order by checked_at desc limit 1",
        [campaign, occurrence],
    )
    return dict(json.loads(rows[0]["facts"])) if rows else None


def record(warehouse: Warehouse, check: AudienceCheck, held_by: list[str], checked_at: datetime) -> None:
    """Keeps what was found: counts and person ids, nothing of what the messages say."""
    facts = json.dumps(asdict(check))
    with warehouse.transaction() as connection:
        connection.execute("create schema if not exists raw")
        connection.execute(
            f"create table if not exists {TABLE} (campaign varchar, occurrence varchar, checked_at timestamp, "
            "messages bigint, held_by varchar[], facts varchar)"
        )
        values = [check.campaign, check.occurrence, checked_at.replace(tzinfo=None), check.messages, held_by, facts]
        connection.execute(f"insert into {TABLE} values (?, ?, ?, ?, ?, ?)", values)


def _records(warehouse: Warehouse, campaign: Campaign, occurrence: str, also_planned: bool) -> Iterator[pa.RecordBatch]:
    wanted = campaign.uses_recommendations
    sql = planner.records_sql(campaign)
    parameters: list[object] = [wanted.list if wanted else "", wanted.count if wanted else 0, campaign.name, occurrence]
    with warehouse.read(sql.replace(_NOT_PLANNED, "") if also_planned else sql, parameters) as reader:
        for batch in reader:
            yield batch.filter(pc.invert(batch.column("is_holdout")))


class _Seen:
    """Adds up what is seen of one batch after another."""

    def __init__(self, check: AudienceCheck, campaign: Campaign) -> None:
        self._check, self._campaign = check, campaign
        self._sizes: list[int] = []
        self._contents: list[int] = []
        self._rules: Counter[str] = Counter()

    def values(self, records: pa.RecordBatch) -> None:
        """Counts what is missing, and by which rules people get what they get."""
        people = records.column("person_id")
        for token in self._campaign.tokens:
            if token == "recommendations":
                continue
            columns = [records.column(name) for name in sources(token) if name in records.schema.names]
            lacks = [_is_empty(column) for column in columns]
            lacking = lacks[0] if lacks else pa.array([True] * records.num_rows)
            for each in lacks[1:]:
                lacking = pc.and_(lacking, each)
            self._count(self._check.missing.setdefault(token, Group()), people, lacking)
        if self._campaign.uses_recommendations:
            self._count(self._check.empty_recommendations, people, _is_empty(records.column("recommendations")))
        for slot in self._campaign.slots:
            for each in pc.value_counts(records.column("rules").field(slot)).to_pylist():
                self._rules[f"{slot}: {each['values']}"] += each["counts"]

    def message(self, person_id: str, made: Payload | RenderError) -> None:
        """Looks at one message."""
        check = self._check
        check.messages += 1
        if isinstance(made, RenderError):
            check.failed.setdefault(made.reason, Group()).add([person_id])
            return
        html = made.html.encode("utf-8", "replace")
        self._sizes.append(len(html))
        self._contents.append(int.from_bytes(_digest(made.subject, html), "big", signed=True))
        if len(html) > MAX_HTML_BYTES:
            check.oversized.add([person_id])

    def finish(self) -> None:
        """Works out what needs all messages."""
        self._check.rules = dict(sorted(self._rules.items()))
        self._check.missing = {name: group for name, group in self._check.missing.items() if group.count}
        if self._sizes:
            found = np.percentile(np.array(self._sizes), _PERCENTILES, method="higher")
            names = ("median", "p95", "p99", "largest")
            self._check.html_bytes = {name: int(size) for name, size in zip(names, found, strict=True)}
        _, counts = np.unique(np.array(self._contents, dtype=np.int64), return_counts=True)
        self._check.identical.count = int(counts[counts > 1].sum())

    def _count(self, group: Group, people: pa.Array, holds: pa.Array) -> None:
        if count := pc.sum(holds).as_py():
            group.add(people.filter(holds).slice(0, _EXAMPLES).to_pylist(), count)


def _digest(subject: str, html: bytes) -> bytes:
    return blake2b(subject.encode("utf-8", "replace") + b"\0" + html, digest_size=8).digest()


def _is_empty(column: pa.Array) -> pa.Array:
    nothing = pc.is_null(column)
    if pa.types.is_list(column.type):
        return pc.or_kleene(nothing, pc.equal(pc.list_value_length(column), 0))
    if pa.types.is_string(column.type):
        return pc.or_kleene(nothing, pc.equal(pc.utf8_trim_whitespace(column), ""))
    return nothing


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value > 1 or value == 0 else f"{value:.0%}"
