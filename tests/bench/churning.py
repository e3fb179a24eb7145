"""Churn alone, on a home that is built: `python -m tests.bench.churning HOME` trains and scores as the job does."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ml import churn, evaluation
from orchestration.settings import Settings, load_settings
from orchestration.training import CHURN_EXAMPLES, CHURN_PEOPLE, churn_definition, risk_bands
from orchestration.warehouse import Warehouse


@dataclass(frozen=True)
class Churned:
    """What fitting, comparing and measuring took, and what scoring everybody did; in a process of its own."""

    training_rows: int
    training_seconds: float
    people: int
    scoring_seconds: float
    peak_gib: float


def measured(settings: Settings) -> Churned:
    """Seconds and peak memory, from the examples that dbt built to the predictions in the warehouse."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.churning", str(settings.home), settings.memory_limit],
        check=True,
        capture_output=True,
        text=True,
    )
    return Churned(**json.loads(done.stdout.splitlines()[-1]))


def told(each: Churned) -> str:
    """The line that a person reads."""
    return (
        f"{'churn of ' + format(each.people, ',') + ' people':<32} trained on {each.training_rows:,} rows "
        f"{each.training_seconds:.1f} s; scored {each.scoring_seconds:.1f} s; {each.peak_gib:.2f} GiB"
    )


def _churned(settings: Settings) -> Churned:
    warehouse = Warehouse(settings.warehouse, settings.memory_limit)
    definition, horizon_days = churn_definition()
    started = time.perf_counter()
    examples = warehouse.table(CHURN_EXAMPLES)
    model = churn.fit(examples, horizon_days=horizon_days)
    evaluation.evaluate_churn(model, examples, version="bench")
    trained = time.perf_counter()
    people = warehouse.table(CHURN_PEOPLE)
    medium, high = risk_bands()
    scored = churn.predict(model, people, definition=definition)
    rows = warehouse.replace("ml.benched", churn.with_risk_bands(scored, medium_from=medium, high_from=high))
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return Churned(
        model.training_rows_count, round(trained - started, 1), rows, round(ended - trained, 1), round(peak, 2)
    )


if __name__ == "__main__":
    home, limit = sys.argv[1:] if len(sys.argv) > 2 else (sys.argv[1], "2GB")
    environ = {"SINCERELY_HOME": str(Path(home).absolute()), "SINCERELY_MEMORY_LIMIT": limit}
    print(json.dumps(asdict(_churned(load_settings(environ)))))
