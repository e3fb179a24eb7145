"""Scores pairs of contacts: the table `ml.identity_matches`."""

from __future__ import annotations

import logging
import math
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.errors import SincerelyError
from orchestration.matching.estimation import estimate
from orchestration.matching.fields import FIELDS, PERSONAL, Parameters, splink_settings

# The second parameter of contacts.sql: 50 contacts with one key are 1,225 pairs.
MOST_CONTACTS_PER_KEY = 50

_PROBABILITY_DIGITS = 6
_WEIGHT_DIGITS = 3
# Log2 of the odds: a contact has four relatives among the contacts for one double of its own, and one pair of
# relatives in a hundred shares a first name, a birth date (twins) or an address.
_DOUBLE_AMONG_RELATIVES = math.log2(1 / 4)
_MOST_AMONG_RELATIVES = math.log2(100)

SCHEMA = pa.schema(
    [
        ("contact_id_a", pa.string()),
        ("contact_id_b", pa.string()),
        ("match_probability", pa.float64()),
        ("match_weight", pa.float64()),
        *((f"{field.name}_level", pa.string()) for field in FIELDS),
    ]
)


class MatchingError(SincerelyError):
    """Contacts cannot be matched."""


@dataclass(frozen=True)
class Matches:
    """Scored pairs (`SCHEMA`, ordered, contact_id_a < contact_id_b) and the numbers behind the scores."""

    pairs: pa.Table
    parameters: Parameters


def score(contacts: pa.Table, *, at_least: float, memory_limit: str = "2GB") -> Matches:
    """The pairs of contacts that are one person with a probability of `at_least`.

    `contacts` has the columns that contacts.sql gives. The same contacts give the same table. With fewer than
    `estimation.FEWEST_CONTACTS` the scores rest on what one expects of customer data; none and one give no pair.

    Raises MatchingError when splink is not installed.
    """
    splink = _splink()
    contacts = contacts.sort_by("contact_id")
    with tempfile.TemporaryDirectory(prefix="sincerely-matching-") as folder:
        api = splink.DuckDBAPI(":memory:")
        try:
            api.duckdb_con.execute(f"set memory_limit = '{memory_limit}'; set temp_directory = '{folder}'")
            registered = api.register(contacts, table_name="contacts")
            parameters = estimate(splink, registered, contacts.num_rows)
            linker = splink.Linker(registered, splink_settings(parameters), log_level=None, validate_settings=False)
            scored = linker.inference.predict(threshold_match_probability=at_least, warning_mode="never")
            pairs = scored.as_pyarrow_table()
        finally:
            api.duckdb_con.close()
    return Matches(_tidy(pairs, at_least), parameters)


def _tidy(scored: pa.Table, at_least: float) -> pa.Table:
    left, right = scored["contact_id_l"].cast(pa.string()), scored["contact_id_r"].cast(pa.string())
    is_ordered = pc.less(left, right)
    weight = _weight(scored)
    columns = [
        pc.if_else(is_ordered, left, right),
        pc.if_else(is_ordered, right, left),
        pa.array(np.round(1 / (1 + np.exp2(-weight)), _PROBABILITY_DIGITS)),
        pa.array(np.round(weight, _WEIGHT_DIGITS)),
        *(_words(scored[f"gamma_{field.name}"], [level.word for level in field.levels]) for field in FIELDS),
    ]
    table = pa.table(columns, schema=SCHEMA)
    table = table.filter(pc.greater_equal(table["match_probability"], at_least))
    return table.sort_by([("contact_id_a", "ascending"), ("contact_id_b", "ascending")])


def _weight(scored: pa.Table) -> np.ndarray:
    """Log2 of the odds that a pair is one person, and neither two strangers nor two relatives.

    splink knows strangers only. Relatives agree on last name, city and phone as one person does; what sets a pair
    apart from them is what each personal field weighs, and no more than it can among relatives.
    """
    among_strangers = scored["match_weight"].to_numpy()
    among_relatives = np.full(scored.num_rows, _DOUBLE_AMONG_RELATIVES)
    for name in PERSONAL:
        parts = [f"mw_{name}", f"mw_tf_adj_{name}"]
        weights = [scored[part].to_numpy() for part in parts if part in scored.column_names]
        among_relatives += np.minimum(np.sum(weights, axis=0), _MOST_AMONG_RELATIVES)
    return -np.logaddexp2(-among_strangers, -among_relatives)


def _words(numbers: pa.ChunkedArray, words: list[str]) -> pa.ChunkedArray:
    """splink numbers the levels from 0, the last of them, upwards, and a missing value -1."""
    found = pc.take(
        pa.array([*reversed(words), None], pa.string()), pc.if_else(pc.less(numbers, 0), len(words), numbers)
    )
    return pa.chunked_array(found.chunks, pa.string())


def _splink() -> Any:
    try:
        import splink
    except ImportError as error:
        raise MatchingError(
            "probabilistic_matching is on in dbt_project/dbt_project.yml, but splink is not installed: install it with "
            ".venv/bin/pip install -e '.[matching]', or set probabilistic_matching to false."
        ) from error
    # Its warnings speak of levels that no pair showed; estimation fills those in.
    logging.getLogger("splink").setLevel(logging.ERROR)
    return splink
