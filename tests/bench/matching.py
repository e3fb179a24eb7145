"""Probabilistic matching alone: `python -m tests.bench.matching PEOPLE` prints what scoring their contacts took."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from orchestration.matching.scoring import score
from tests.population import compared, population

MERGE, REVIEW = 0.99, 0.8
# One in ten signed up twice: about 10,000 and 100,000 contacts.
SIZES = (9_100, 91_000)


def measured(people: int) -> dict[str, Any]:
    """Seconds, peak memory, precision and recall, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.matching", str(people)], check=True, capture_output=True, text=True
    )
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _measure(people: int) -> dict[str, Any]:
    contacts, truth = population(people)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        matches = score(compared(contacts, Path(folder)), at_least=REVIEW)
        seconds = time.perf_counter() - started
    rows = matches.pairs.to_pylist()
    facts: dict[str, Any] = {"contacts": len(contacts), "seconds": round(seconds, 1)}
    for name, threshold in (("merge", MERGE), ("review", REVIEW)):
        found = {(row["contact_id_a"], row["contact_id_b"]) for row in rows if row["match_probability"] >= threshold}
        facts[f"{name}_precision"] = round(len(found & truth) / len(found), 4)
        facts[f"{name}_recall"] = round(len(found & truth) / len(truth), 4)
    facts["peak_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    return facts


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
