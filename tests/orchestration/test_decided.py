"""What was decided for a message is written down as JSON, whatever the names of products and rules hold."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from orchestration.delivery.decided import decisions, withheld
from rendering.campaign import CAMPAIGNS, load_campaign

LOYALTY = load_campaign(CAMPAIGNS / "loyalty_reward")
_RULES = {slot: [rule.name for rule in rules] for slot, rules in LOYALTY.slots.items()}
_NAME = st.text(st.one_of(st.sampled_from('"\\/\n'), st.characters(exclude_categories=["Cs"])), max_size=12)
_PRODUCT = st.fixed_dictionaries({"list": _NAME, "product_id": _NAME, "model_version": _NAME})
_PERSON = st.tuples(
    st.fixed_dictionaries({slot: st.one_of(st.none(), st.sampled_from(rules)) for slot, rules in _RULES.items()}),
    st.one_of(st.none(), st.lists(_PRODUCT, max_size=3)),
)
_SCHEMA = pa.schema(
    {
        "rules": pa.struct(dict.fromkeys(_RULES, pa.string())),
        "recommendations": pa.list_(
            pa.struct(
                {"rank": pa.int64(), "list": pa.string(), "product_id": pa.string(), "model_version": pa.string()}
            )
        ),
    }
)


def expected(rules: dict[str, str | None], products: list[dict[str, str]] | None) -> list[dict[str, Any]]:
    won = [
        {"slot": slot, "choice": LOYALTY.block_of(slot, rule), "rule": rule}
        for slot, rule in sorted(rules.items())
        if rule is not None
    ]
    chosen = [
        {
            "slot": f"recommendation_{rank}",
            "choice": each["product_id"],
            "rule": f"{each['list']} {each['model_version']}",
        }
        for rank, each in enumerate(products or [], 1)
    ]
    return [*won, *chosen]


@given(st.lists(_PERSON, min_size=1, max_size=5), st.integers(0, 2))
def test_each_message_keeps_its_own_rules_and_products(people: list[Any], skipped: int) -> None:
    rows = [
        {"rules": rules, "recommendations": products and [{"rank": n, **each} for n, each in enumerate(products, 1)]}
        for rules, products in people
    ]
    records = pa.RecordBatch.from_pylist(rows, schema=_SCHEMA).slice(skipped)

    found = [orjson.loads(each) if each else [] for each in decisions(LOYALTY, records)]

    assert found == [expected(*person) for person in people[skipped:]]


def test_a_message_that_is_held_out_says_by_which_rule() -> None:
    assert orjson.loads(withheld("global_holdout")) == [
        {"slot": "holdout", "choice": "global", "rule": "global_holdout"}
    ]
