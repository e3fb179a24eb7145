"""Variants through the planner: what each person's arm shows is what is written down as decided."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from orchestration.delivery import planner
from orchestration.delivery.outbox import Outbox
from orchestration.warehouse import Warehouse
from rendering.campaign import Campaign, load_campaign
from rendering.links import Site
from tests.orchestration.planning_world import candidates
from tests.outboxes import payloads
from tests.rendering.conftest import BLOCKS, CAMPAIGN, MESSAGE

NOW = datetime(2018, 1, 1, tzinfo=UTC)
VARIANTS = """\
uses_recommendations: {list: buy_again, count: 2}
holdout: 0.1
variants:
  - {name: plain, weight: 1}
  - {name: garden, weight: 1, blocks: {hero: {near: garden}}}
  - {name: fresh, weight: 1, list: discover, subject: "New, {{ first_name }}"}
"""
PEOPLE = ("plain", "garden", "fresh", "plain_far", "held_out", "held_out_globally")


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    folder = tmp_path / "small"
    (folder / "blocks").mkdir(parents=True)
    (folder / "campaign.yml").write_text(CAMPAIGN.replace("gifts", "recommendations") + VARIANTS)
    (folder / "message.mjml.j2").write_text(MESSAGE.replace("gifts", "recommendations"))
    for name, source in {**BLOCKS, "garden": "{# tokens: #}\n<mj-text>In the garden</mj-text>\n"}.items():
        (folder / "blocks" / f"{name}.mjml.j2").write_text(source)
    return load_campaign(folder)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    text = pa.string()
    profile = {"email": "one@example.com", "timezone": "UTC", "currency": None, "topics": None, "first_name": "Ada"}
    profiles = [
        {"person_id": name, **profile, "city": "Chicago" if name.endswith("far") else "New York"} for name in PEOPLE
    ]
    columns = ("person_id", *profile, "city")
    warehouse.replace("core.profiles", pa.Table.from_pylist(profiles, pa.schema([(name, text) for name in columns])))
    products = {"category": "C", "price_amount": None, "currency": "USD", "product_url": None, "image_url": None}
    known = [{"product_id": name, "name": f"THE {name.upper()}", **products} for name in ("bread", "kiwi")]
    warehouse.replace("core.products", pa.Table.from_pylist(known))
    listed = [
        {"person_id": name, "list": of, "rank": 1, "product_id": product, "reason": "r", "model_version": "v"}
        for name in PEOPLE
        for of, product in (("buy_again", "bread"), ("discover", "kiwi"))
    ]
    warehouse.replace("ml.recommendations", pa.Table.from_pylist(listed))
    reasons = {"held_out": "campaign_holdout", "held_out_globally": "global_holdout"}
    rows = [
        {
            "message_id": f"m-{name}",
            "campaign": "small",
            "occurrence": "once",
            "person_id": name,
            "variant": name.partition("_")[0] if name not in reasons else "plain",
            "is_holdout": name in reasons,
            "exclusion_reason": reasons.get(name),
        }
        for name in PEOPLE
    ]
    warehouse.replace("core.message_candidates", candidates(rows))
    return warehouse


@pytest.fixture
def messages(tmp_path: Path, warehouse: Warehouse, campaign: Campaign) -> dict[str, dict[str, Any]]:
    """What the planner wrote into a real outbox, by person."""
    outbox = Outbox(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    site = Site("https://mail.example.com", b"sixteen bytes or more")
    plan = planner.plan(warehouse, outbox, campaign, site, NOW)
    assert (plan.planned, plan.held_out, plan.failed) == (4, 2, {})
    rows = {row["person_id"]: row for row in outbox.read_all().read_all().to_pylist()}
    for payload in payloads(outbox):
        rows[payload.person_id]["payload"] = payload
    return rows


def decisions(message: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["slot"]: (each["choice"], each["rule"]) for each in orjson.loads(message["decisions"])}


def test_each_arm_gets_its_own_block_list_and_subject(messages: dict[str, dict[str, Any]]) -> None:
    html = {name: messages[name]["payload"].html for name in PEOPLE[:4]}

    assert {name for name in html if "In the garden" in html[name]} == {"garden"}
    assert {name for name in html if "THE KIWI" in html[name]} == {"fresh"}
    assert {name for name in html if "THE BREAD" in html[name]} == {"plain", "garden", "plain_far"}
    assert messages["fresh"]["payload"].subject == "New, Ada"


def test_what_is_written_down_is_what_is_shown(messages: dict[str, dict[str, Any]]) -> None:
    decided = {name: decisions(messages[name]) for name in PEOPLE[:4]}

    assert {name: each["hero"] for name, each in decided.items()} == {
        "plain": ("near", "near"), "garden": ("garden", "near"), "fresh": ("near", "near"),
        "plain_far": ("far", "rest"),
    }  # fmt: skip
    assert decided["fresh"]["recommendation_1"] == ("kiwi", "discover v")
    assert decided["plain"]["recommendation_1"] == ("bread", "buy_again v")
    assert {name: messages[name]["variant"] for name in PEOPLE[:3]} == {name: name for name in PEOPLE[:3]}


def test_hold_outs_are_written_down_with_their_kind_and_date(messages: dict[str, dict[str, Any]]) -> None:
    for name, kind in (("held_out", "campaign"), ("held_out_globally", "global")):
        row = messages[name]
        assert (row["state"], row["planned_at"]) == ("held_out", NOW.replace(tzinfo=None))
        assert decisions(row) == {"holdout": (kind, f"{kind}_holdout")}
