"""A churn model whose past scores failed is trained again, once for each version."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.retraining import decayed_model
from orchestration.landing import files
from orchestration.warehouse import Warehouse

_DECAY = """
    create table ml.model_decay (model varchar, version varchar, scored_at timestamp, words varchar);
    insert into ml.model_decay values
        ('churn', 'v1', timestamp '2018-01-01', null), ('churn', 'v1', timestamp '2018-02-01', 'ranked worse'),
        ('churn', 'v2', timestamp '2018-01-01', 'ranked worse'), ('churn', 'v2', timestamp '2018-02-01', null)
"""


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setenv("SINCERELY_HOME", str(tmp_path))
    return Warehouse(tmp_path / "warehouse.duckdb")


def _evaluated() -> dg.RunRequest | dg.SkipReason:
    with dg.instance_for_test() as instance:
        return decayed_model(dg.build_sensor_context(instance=instance))


def _scored_by(warehouse: Warehouse, version: str) -> None:
    files.prepare(warehouse)
    with warehouse.transaction() as connection:
        connection.execute(_DECAY)
        connection.execute("insert into ml.churn_predictions (person_id, model_version) values ('p', ?)", [version])


def test_before_anything_has_scored_nothing_is_trained_again(warehouse: Warehouse) -> None:
    assert isinstance(_evaluated(), dg.SkipReason)
    files.prepare(warehouse)
    assert isinstance(_evaluated(), dg.SkipReason)


def test_a_version_whose_latest_scores_failed_asks_for_one_training(warehouse: Warehouse) -> None:
    _scored_by(warehouse, "v1")
    request = _evaluated()
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "churn v1"
    assert request.tags["sincerely/decayed"] == "v1: ranked worse"


def test_a_version_whose_latest_scores_held_does_not(warehouse: Warehouse) -> None:
    _scored_by(warehouse, "v2")
    assert isinstance(_evaluated(), dg.SkipReason)
