"""What the models are told: their rows, months, thresholds, and what their versions stand for."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from ml import churn
from ml.store import ModelMetadata
from orchestration import dbt

CHURN_EXAMPLES = "select * from ml.churn_examples order by cutoff, split, person_id"
PURCHASES = """
    select person_id, product_id, purchased_at, quantity from ml.interactions
    order by person_id, purchased_at, order_id, product_id, quantity
"""
PRODUCTS = """
    select
        product_id,
        case when is_sensitive then 'something like it' else name end as name,
        category,
        is_available and not is_sensitive as is_available,
        is_consumable
    from core.products
    order by product_id
"""
PEOPLE = "select person_id from core.people order by person_id"


def last_month(as_of: datetime) -> tuple[datetime, datetime]:
    """The last calendar month that is over at `as_of`, in UTC: from its first instant up to its end."""
    until = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (until - timedelta(days=1)).replace(day=1), until


def risk_bands() -> tuple[float, float]:
    """From which probability a risk is medium, and from which high: dbt vars, as all business numbers."""
    numbers = dbt.project_vars()
    return numbers["risk_band_medium"], numbers["risk_band_high"]


def churn_metadata(model: churn.ChurnModel, examples: pa.Table, as_of: datetime) -> ModelMetadata:
    """The churn model's identity: when, and from which rows."""
    return ModelMetadata(
        name="churn",
        as_of=as_of,
        data_fingerprint=fingerprint(examples.select(["person_id", "cutoff", "split", *churn.FEATURES])),
        params={"features": list(churn.FEATURES)},
        note=model.note,
    )


def recommender_metadata(purchases: pa.Table, products: pa.Table, as_of: datetime) -> ModelMetadata:
    """The recommenders' identity: when, and from which purchases and products."""
    return ModelMetadata(
        name="recommendations",
        as_of=as_of,
        data_fingerprint=fingerprint(purchases) + fingerprint(products),
    )


def fingerprint(table: pa.Table) -> str:
    """SHA-256 of the table's content, whatever its batches: equal rows in equal order give equal digests."""
    digest = hashlib.sha256(",".join(table.column_names).encode())
    for column in table.columns:
        # As text: what lies under a null in Arrow's buffers is anybody's guess.
        text = pc.fill_null(column.cast(pa.string()), "\0").combine_chunks()
        for part in text.chunks if isinstance(text, pa.ChunkedArray) else [text]:
            for buffer in part.buffers()[1:]:
                digest.update(buffer or b"")
    return digest.hexdigest()
