"""Scores of pairs of contacts, on people of whom it is known who signed up twice."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.matching.estimation import FEWEST_CONTACTS
from orchestration.matching.scoring import MOST_CONTACTS_PER_KEY, SCHEMA, score
from tests.population import Contact, compared, population

MERGE, REVIEW = 0.99, 0.8
ADA = Contact("1", "ada9@example.com", "Ada", "Lovelace", "1985-12-10", "London", "+15550000001", datetime(2017, 1, 1))
BEN = Contact("2", "ben@example.com", "Ben", "Babbage", "1971-12-26", "Leeds", "+15550000002", datetime(2017, 1, 1))


@dataclass(frozen=True)
class Scored:
    contacts: pa.Table
    pairs: pa.Table
    truth: set[tuple[str, str]]

    def found(self, at_least: float) -> set[tuple[str, str]]:
        return {
            (row["contact_id_a"], row["contact_id_b"])
            for row in self.pairs.to_pylist()
            if row["match_probability"] >= at_least
        }


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    contacts, truth = population(3_000)
    table = compared(contacts, tmp_path_factory.mktemp("population"))
    matches = score(table, at_least=0.5)
    assert matches.parameters.is_estimated
    return Scored(table, matches.pairs, truth)


def test_what_merges_is_one_person_and_most_doubles_are_merged_or_asked_about(scored: Scored) -> None:
    merged, listed = scored.found(MERGE), scored.found(REVIEW)
    assert len(merged & scored.truth) / len(merged) >= 0.98
    assert len(merged & scored.truth) / len(scored.truth) >= 0.45
    assert len(listed & scored.truth) / len(listed) >= 0.93
    assert len(listed & scored.truth) / len(scored.truth) >= 0.72


def test_the_same_contacts_give_the_same_table_in_whatever_order_they_come(scored: Scored) -> None:
    backwards = scored.contacts.take(list(reversed(range(scored.contacts.num_rows))))
    assert score(backwards, at_least=0.5).pairs.equals(scored.pairs)


def test_pairs_are_ordered_said_once_and_tell_what_they_rest_on(scored: Scored) -> None:
    rows = scored.pairs.to_pylist()
    pairs = [(row["contact_id_a"], row["contact_id_b"]) for row in rows]
    assert all(one < other for one, other in pairs)
    assert pairs == sorted(set(pairs))
    assert {row["birth_date_level"] for row in rows} == {"same", "similar", "different", None}


def test_no_pair_merges_on_names_and_household_alone(scored: Scored) -> None:
    by_id = {row["contact_id"]: row for row in scored.contacts.to_pylist()}
    for one, other in scored.found(MERGE):
        alike = [
            name
            for name in ("first_name", "birth_date", "local_part")
            if by_id[one][name] and by_id[other][name] and by_id[one][name][0] == by_id[other][name][0]
        ]
        assert len(alike) >= 2, (by_id[one], by_id[other])


@pytest.mark.parametrize("count", [0, 1, 2, 10, FEWEST_CONTACTS - 1])
def test_a_handful_of_contacts_is_scored_by_what_one_expects(count: int, tmp_path: Path) -> None:
    others = [
        replace(
            BEN,
            contact_id=f"b{number}",
            email=f"{'abcdefghij'[number % 10] * 5}{number}@example.com",
            first_name=f"Name{number * 7919 % 1000}",
            last_name=f"House{number * 104729 % 1000}",
            birth_date=f"{1940 + number % 60}-0{number % 9 + 1}-1{number % 7}",
            phone=f"+1555{number * 7919 % 10**7:07d}",
        )
        for number in range(max(count - 2, 0))
    ]
    again = replace(ADA, contact_id="1-2", email="ada.l@example.org", first_name="Adda", phone="")
    contacts = [ADA, again][:count] + others
    matches = score(compared(contacts, tmp_path), at_least=MERGE)
    assert not matches.parameters.is_estimated
    assert matches.pairs.schema == SCHEMA
    expected = [("1", "1-2")] if count >= 2 else []
    assert [(row["contact_id_a"], row["contact_id_b"]) for row in matches.pairs.to_pylist()] == expected


def test_contacts_with_nothing_but_an_address_give_no_pair_and_no_error(tmp_path: Path) -> None:
    bare = [
        Contact(f"{number:04d}", f"x{number}@example.com", "", "", "", "", "", datetime(2017, 1, 1))
        for number in range(FEWEST_CONTACTS + 50)
    ]
    matches = score(compared(bare, tmp_path), at_least=0.5)
    assert matches.pairs.num_rows == 0
    assert matches.pairs.schema == SCHEMA


def test_a_day_and_month_the_other_way_round_is_similar_and_a_missing_field_says_nothing(tmp_path: Path) -> None:
    swapped = replace(ADA, contact_id="1-2", email="x@example.org", birth_date="1985-10-12", city="", phone="")
    (row,) = score(compared([ADA, BEN, swapped], tmp_path), at_least=0.5).pairs.to_pylist()
    assert (row["first_name_level"], row["birth_date_level"]) == ("same", "similar")
    assert (row["city_level"], row["phone_level"], row["local_part_level"]) == (None, None, None)


def test_relatives_and_namesakes_do_not_merge(tmp_path: Path) -> None:
    twin = replace(ADA, contact_id="twin", email="t@example.org", first_name="Byron")
    namesake = replace(ADA, contact_id="namesake", email="n@example.org", birth_date="1955-03-01")
    assert score(compared([ADA, BEN, twin, namesake], tmp_path), at_least=MERGE).pairs.num_rows == 0


def test_the_query_compares_the_latest_version_without_accents_names_in_addresses_and_tills_phones(
    tmp_path: Path,
) -> None:
    till = "+15559999999"
    older = replace(ADA, first_name="Wrong", email="zoe.nunez.fox@example.com")
    newer = replace(
        ADA, first_name=" Zoë", last_name="Núñez-", email="zoe.nunez.fox+news@example.com",
        signed_up_at=datetime(2017, 2, 1), phone=till,
    )  # fmt: skip
    shoppers = [replace(BEN, contact_id=f"s{number}", phone=till) for number in range(5)]
    rows = {row["contact_id"]: row for row in compared([older, newer, BEN, *shoppers], tmp_path).to_pylist()}
    assert len(rows) == 7
    zoe = rows["1"]
    assert (zoe["first_name"], zoe["last_name"], zoe["local_part"]) == ("zoe", "nunez", "fox")
    assert (zoe["phone"], zoe["key_phone"]) == (None, None)
    assert (rows["2"]["phone"], rows["2"]["local_part"]) == ("550000002", None)


def test_a_key_that_too_many_contacts_share_brings_no_pairs(tmp_path: Path) -> None:
    crowd = [
        replace(BEN, contact_id=f"c{number:03d}", birth_date="", phone="", city="")
        for number in range(MOST_CONTACTS_PER_KEY + 1)
    ]
    keys = compared([ADA, *crowd], tmp_path)["key_name"].to_pylist()
    assert [key for key in keys if key] == ["ada lovelace"]


def test_without_splink_the_error_says_how_to_install_it() -> None:
    script = (
        "import sys; sys.modules['splink'] = None\n"
        "from orchestration.matching.scoring import MatchingError, score\n"
        "import pyarrow as pa\n"
        "try:\n    score(pa.table({'contact_id': ['1']}), at_least=0.5)\n"
        "except MatchingError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install -e '.[matching]'" in done.stdout
    assert "probabilistic_matching" in done.stdout
