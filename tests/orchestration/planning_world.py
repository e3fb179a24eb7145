"""The smallest warehouse that a campaign can be planned from: people, products, recommendations, candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

# `people` of them, the last tenth held out; each has six of `products` products.
_TABLES = """
create schema core;
create schema ml;
create table core.profiles as
select
    'person-' || n as person_id, 'person.' || n || '@example.com' as email, 'Maria' || n as first_name,
    case n % 4 when 0 then 'New York' when 1 then 'Chicago' end as city, null::varchar as region,
    'US' as country, 'America/New_York' as timezone, 'en' as language, 'USD' as currency,
    'repeat_buyer' as lifecycle_stage, n % 50 as orders_count, (n * 1.37)::decimal(18, 2) as total_spent_amount,
    'CHEESE' as favourite_category, case when n % 2 = 0 then 'COFFEE' end as viewed_category,
    'COFFEE BEANS' as recent_product_name, '["tea"]' as topics
from range({people}) as people (n);
create table core.products as
select
    'product-' || n as product_id, 'CHEESE ' || n || ' OZ' as name, 'CATEGORY ' || n % 300 as category,
    (100 + n % 900)::decimal(18, 2) / 100 as price_amount, 'USD' as currency, null::varchar as product_url,
    null::varchar as image_url
from range({products}) as products (n);
create table ml.recommendations as
select
    'person-' || n as person_id, list, rank, 'product-' || (n * 7 + rank * 131) % {products} as product_id,
    0.5 as score, 'you buy it about every ' || (n + rank) % 40 || ' days' as reason, 'v1' as model_version
from range({people}) as people (n), range(1, 7) as ranks (rank), (values ('buy_again'), ('discover')) as lists (list);
create table core.message_candidates as
select
    md5('{campaign}' || n) as message_id, '{campaign}' as campaign, '{occurrence}' as occurrence,
    'default' as variant, n >= {people} * 0.9 as is_holdout, 'person-' || n as person_id,
    null::varchar as journey, false as is_carried_over, false as is_planned,
    case when n >= {people} * 0.9 then 'campaign_holdout' end as exclusion_reason,
    null::timestamp as not_before, null::timestamp as expires_at, null::varchar as quiet_hours
from range({people}) as people (n);
"""


def planning_world(warehouse: Path, campaign: str, occurrence: str, people: int = 40, products: int = 30) -> None:
    """Writes the tables into a new DuckDB file."""
    with duckdb.connect(str(warehouse)) as connection:
        values = {"people": people, "products": products, "campaign": campaign, "occurrence": occurrence}
        connection.execute(_TABLES.format(**values))


def candidates(rows: Iterable[Mapping[str, object]]) -> pa.Table:
    """core.message_candidates of `rows`, in which what planning's query does not find is nothing, or not so."""
    texts = ("message_id", "campaign", "occurrence", "person_id", "variant", "exclusion_reason", "journey")
    kinds = {
        **dict.fromkeys((*texts, "quiet_hours"), pa.string()),
        **dict.fromkeys(("is_holdout", "is_carried_over", "is_planned"), pa.bool_()),
        **dict.fromkeys(("not_before", "expires_at"), pa.timestamp("us")),
    }
    nothing = {name: False if kind == pa.bool_() else None for name, kind in kinds.items()}
    return pa.Table.from_pylist([{**nothing, **row} for row in rows], pa.schema(list(kinds.items())))
