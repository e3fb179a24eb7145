"""A checkout in which probabilistic matching is switched on: scores merge, doubts are asked about, words count."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestration.matching.scoring import score
from orchestration.warehouse import Warehouse
from tests.conftest import AS_OF, ROOT, SECRET
from tests.population import Contact, compared, population

# The whole job in a checkout of its own; tests/orchestration/test_matching.py has the scores alone.
pytestmark = pytest.mark.long

Pair = tuple[str, str]

MERGE, REVIEW = 0.99, 0.8
COLUMNS = ["contact_id", "email", "first_name", "last_name", "birth_date", "city", "phone", "signed_up_at"]
TOGETHER = """
    select one.person_id = other.person_id as is_one_person
    from core.identity_map as one, core.identity_map as other
    where one.identifier_type = 'contact_id' and other.identifier_type = 'contact_id'
        and one.identifier = ? and other.identifier = ?
"""


class Checkout:
    """A copy of the project with matching on, and a home of its own; commands run for real, in their own process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "checkout", folder / "home"
        for name in ("dbt_project", "ml", "orchestration", "rendering"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("target", "__pycache__"))
        project = self.folder / "dbt_project" / "dbt_project.yml"
        text = project.read_text(encoding="utf-8")
        assert "probabilistic_matching: false" in text
        project.write_text(
            text.replace("probabilistic_matching: false", "probabilistic_matching: true"), encoding="utf-8"
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *arguments],
            env={**os.environ, "SINCERELY_HOME": str(self.home), "SINCERELY_SECRET": SECRET},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
            cwd=self.folder,
        )

    def decide(self, *decisions: tuple[str, str, str]) -> None:
        seed = self.folder / "dbt_project" / "seeds" / "identity_confirmations.csv"
        with seed.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([*decision, "a tester", ""] for decision in decisions)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.home / "warehouse.duckdb")

    def are_one_person(self, one: str, other: str) -> bool:
        (row,) = self.warehouse.rows(TOGETHER, [one, other])
        return bool(row["is_one_person"])


def _land(contacts: list[Contact], folder: Path) -> None:
    folder.mkdir(parents=True)
    with (folder / "population.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([getattr(contact, name) for name in COLUMNS] for contact in contacts)


@dataclass(frozen=True)
class Ran:
    """One run, and the pairs on which a person had decided before it."""

    checkout: Checkout
    confirmed: Pair
    denied: Pair
    denied_against_the_score: Pair
    decided: set[Pair]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("matching")
    contacts, _ = population(800)
    # The same contacts give the same scores: what the run will find is known before it.
    expected = score(compared(contacts, folder), at_least=REVIEW).pairs.to_pylist()
    mentions = Counter(contact for row in expected for contact in _pair(row))
    alone = [
        row for row in expected if row["phone_level"] != "same" and all(mentions[each] == 1 for each in _pair(row))
    ]
    confirmed, denied, *_ = [_pair(row) for row in alone if row["match_probability"] < MERGE]
    against, *_ = [_pair(row) for row in alone if row["match_probability"] >= MERGE]

    checkout = Checkout(folder)
    _land(contacts, checkout.home / "landing" / "crm" / "contacts")
    checkout.decide((*reversed(confirmed), "confirmed"), (*denied, "denied"), (*against, "denied"))
    done = checkout.run("run", "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identity_matches" in done.stdout, done.stdout
    assert checkout.warehouse.rows("select * from ml.identity_matches") == expected
    return Ran(checkout, confirmed, denied, against, {confirmed, denied, against})


def _pair(row: dict[str, Any]) -> Pair:
    return row["contact_id_a"], row["contact_id_b"]


def test_scores_merge_from_the_threshold_on_and_doubts_are_on_the_list(ran: Ran) -> None:
    rows = ran.checkout.warehouse.rows("select * from ml.identity_matches where match_probability >= 0.99")
    merged = {_pair(row) for row in rows} - ran.decided
    assert len(merged) >= 10
    assert all(ran.checkout.are_one_person(*pair) for pair in merged)
    reviews = ran.checkout.warehouse.rows("select * from quality.identity_reviews")
    assert len(reviews) >= 5
    assert all(REVIEW <= row["match_probability"] < MERGE for row in reviews)
    assert not any(ran.checkout.are_one_person(*_pair(row)) for row in reviews)


def test_a_persons_word_merges_one_pair_keeps_others_apart_and_all_leave_the_list(ran: Ran) -> None:
    assert ran.checkout.are_one_person(*ran.confirmed)
    assert not ran.checkout.are_one_person(*ran.denied)
    assert not ran.checkout.are_one_person(*ran.denied_against_the_score)
    listed = {_pair(row) for row in ran.checkout.warehouse.rows("select * from quality.identity_reviews")}
    assert listed
    assert not listed & ran.decided
