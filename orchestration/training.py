"""What the models are told: their rows, months, thresholds, and what their versions stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ml import buy_again, churn, churn_features, discover, ease, lifetime
from ml.recommend import Recommender
from ml.store import ModelMetadata
from orchestration import dbt

CHURN_EXAMPLES = """
    select * from ml.churn_examples where split <> 'score' and is_in_population order by cutoff, split, person_id
"""
CHURN_PEOPLE = "select * from ml.churn_examples where split = 'score' order by person_id"
LIFETIME_SUMMARIES = "select * from ml.lifetime_summaries order by split, person_id"
# Sorted by person, so that lists are made of some people at a time.
ACTS = """
    select person_id, city, product_id, happened_at, is_view, quantity from ml.recommendation_acts
    order by person_id, product_id, happened_at, is_view
"""
ACTS_SUMMARY = """
    select count(*) as rows, sum(hash(person_id, city, product_id, happened_at, is_view, quantity)) as content
    from ml.recommendation_acts
"""
PRODUCTS = """
    select product_id, name, category, is_available, is_consumable from ml.recommendable_products order by product_id
"""


def last_month(as_of: datetime) -> tuple[datetime, datetime]:
    """The last calendar month that is over at `as_of`, in UTC: from its first instant up to its end."""
    until = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (until - timedelta(days=1)).replace(day=1), until


def risk_bands() -> tuple[float, float]:
    """From which probability a risk is medium, and from which high: dbt vars, as all business numbers."""
    numbers = dbt.project_vars()
    return numbers["risk_band_medium"], numbers["risk_band_high"]


def churn_definition() -> tuple[str, int]:
    """What churn is ('purchase', 'activity'), and within how many days."""
    numbers = dbt.project_vars()
    return numbers["churn_definition"], numbers["churn_horizon_days"]


def calibration_limit() -> float:
    """The expected calibration error that a run warns above."""
    return float(dbt.project_vars()["calibration_error_limit"])


def drift_limit() -> float:
    """The population stability index that a run warns above."""
    return float(dbt.project_vars()["psi_limit"])


def lifetime_days() -> tuple[int, int]:
    """Over how many days orders and value are expected, and how many are held out to check that."""
    numbers = dbt.project_vars()
    return numbers["lifetime_horizon_days"], numbers["lifetime_holdout_days"]


def churn_metadata(model: churn.ChurnModel, examples: pa.Table, as_of: datetime) -> ModelMetadata:
    """The churn model's identity: when, and from which rows; and which time it learned from and is measured on."""
    definition, horizon_days = churn_definition()
    last_training = _cutoff(examples, "train", pc.max)
    return ModelMetadata(
        name="churn",
        as_of=as_of,
        data_fingerprint=fingerprint(examples.select([*churn.KEYS, *churn.FEATURES])),
        params={
            "families": {name: list(names) for name, names in churn_features.FAMILIES.items()},
            "definition": definition,
            "horizon_days": horizon_days,
            "method": model.method,
            "hyperparameters": churn.hyperparameters(model),
        },
        features=churn.FEATURES,
        trained_until=last_training + timedelta(days=horizon_days) if last_training else None,
        held_out_from=_cutoff(examples, "test", pc.min),
        note=model.note,
    )


def lifetime_metadata(model: lifetime.LifetimeModel, summaries: pa.Table, as_of: datetime) -> ModelMetadata:
    """The identity of the model of next orders and values: when, and from whose orders."""
    return ModelMetadata(
        name="lifetime",
        as_of=as_of,
        data_fingerprint=fingerprint(summaries),
        params={"method": model.method},
        features=lifetime.COLUMNS,
        trained_until=as_of,
        held_out_from=as_of - timedelta(days=lifetime_days()[1]),
        note=model.note,
    )


def recommender_metadata(model: Recommender, acts: pa.Table, products: pa.Table, as_of: datetime) -> ModelMetadata:
    """The recommenders' identity: when, from which acts (ACTS_SUMMARY) and products, and learned in which way."""
    return ModelMetadata(
        name="recommendations",
        as_of=as_of,
        data_fingerprint=fingerprint(acts) + fingerprint(products),
        params={
            "buy_again": model.buy_again_method,
            "discover": model.discover_method,
            "neighbours": ease.NEIGHBOURS,
            "regularisation": ease.REGULARISATION,
        },
        features=tuple(dict.fromkeys((*buy_again.FEATURES, *discover.FEATURES))),
        trained_until=as_of,
        held_out_from=last_month(as_of)[0],
        note=model.note,
    )


def _cutoff(examples: pa.Table, split: str, which: Callable[[Any], pa.Scalar]) -> datetime | None:
    """The first or last cutoff of a split, in UTC; None without rows."""
    found = which(examples.filter(pc.equal(examples["split"], split))["cutoff"]).as_py()
    return found.replace(tzinfo=UTC) if found else None


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
