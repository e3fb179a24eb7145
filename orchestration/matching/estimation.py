"""The model's numbers from the contacts themselves: u by random sampling, m by expectation maximisation."""

from __future__ import annotations

import math
from typing import Any

from orchestration.matching.fields import (
    FIELDS,
    SURE_SIGNS,
    TRAINING_BLOCKS,
    Field,
    Parameters,
    bounded_prior,
    expected_parameters,
    same,
    splink_settings,
)

# Fewer contacts than this show too little: two of them would already make a name common.
FEWEST_CONTACTS = 200
_SEED = 20180101
_SAMPLED_PAIRS = 3e6
_TRAINING_PAIRS = 1e6
# How many pairs of one person weigh as much as what one expects without data.
_EXPECTED_WEIGHS = 50.0
_DIGITS = 6


def estimate(splink: Any, contacts: Any, contacts_count: int) -> Parameters:
    """The model's numbers, rounded, so that the same contacts give the same ones.

    `splink` is the package, `contacts` a table registered with it. Where the contacts show nothing (few of them, a
    field that is always empty, no pair that could be one person), the expected numbers stand.
    """
    expected = expected_parameters(contacts_count)
    if contacts_count < FEWEST_CONTACTS:
        return expected
    chance = _shares_by_chance(splink, contacts, contacts_count, expected)
    # What follows adds up fractions, whose sum depends on the order of adding: one thread has only one.
    contacts.db_api.duckdb_con.execute("set threads = 1")
    learned = _shares_among_doubles(splink, contacts, chance)
    contacts.db_api.duckdb_con.execute("reset threads")
    return Parameters(_prior(splink, contacts, contacts_count, learned), learned.shares, is_estimated=True)


def _shares_by_chance(splink: Any, contacts: Any, contacts_count: int, expected: Parameters) -> Parameters:
    linker = _linker(splink, contacts, expected)
    linker.training.estimate_u_using_random_sampling(
        max_pairs=_SAMPLED_PAIRS, seed=_SEED, min_count_per_level=None, num_chunks=1
    )
    sampled = min(_SAMPLED_PAIRS, contacts_count * (contacts_count - 1) / 2)
    found = _by_level(linker.misc.save_model_to_json()["comparisons"], "u_probability")
    shares = {}
    for field in FIELDS:
        ms = [m for m, _ in expected.shares[field.name]]
        # What the sample did not show may still be as frequent as once in it.
        us = [max(found[field.name].get(level.word, 0.0), min(level.u, 1 / sampled)) for level in field.levels]
        shares[field.name] = _pairs(ms, us)
    return Parameters(expected.prior, shares)


def _shares_among_doubles(splink: Any, contacts: Any, chance: Parameters) -> Parameters:
    """Each training block counts by the doubles that it shows, the expected shares as `_EXPECTED_WEIGHS` of them."""
    from splink.internals.exceptions import EMTrainingException

    weighed = {field.name: [(_EXPECTED_WEIGHS, [level.m for level in field.levels])] for field in FIELDS}
    for columns in TRAINING_BLOCKS:
        pairs_count = min(_pairs_count(contacts, columns), _TRAINING_PAIRS)
        try:
            session = _linker(splink, contacts, chance).training.estimate_parameters_using_expectation_maximisation(
                same(*columns), estimate_without_term_frequencies=True, max_pairs=_TRAINING_PAIRS
            )
        except EMTrainingException:  # no two contacts agree on these columns
            continue
        model = session.core_model_settings
        doubles_count = model.probability_two_random_records_match * pairs_count
        described = [{"output_column_name": each.output_column_name, **each.as_dict()} for each in model.comparisons]
        for name, found in _by_level(described, "m_probability").items():
            field = next(field for field in FIELDS if field.name == name)
            weighed[name].append((doubles_count, [found.get(level.word, 0.0) for level in field.levels]))
    shares = {
        field.name: _pairs(_mean(field, weighed[field.name]), [u for _, u in chance.shares[field.name]])
        for field in FIELDS
    }
    return Parameters(chance.prior, shares)


def _prior(splink: Any, contacts: Any, contacts_count: int, learned: Parameters) -> float:
    """How likely two contacts drawn at random are one person, from the pairs that show a sure sign."""
    linker = _linker(splink, contacts, learned)
    linker.training.estimate_probability_two_random_records_match([same(*signs) for signs in SURE_SIGNS], recall=1)
    found = linker.misc.save_model_to_json()["probability_two_random_records_match"]
    return _rounded(bounded_prior(found, contacts_count))


def _linker(splink: Any, contacts: Any, parameters: Parameters) -> Any:
    return splink.Linker(contacts, splink_settings(parameters), log_level=None, validate_settings=False)


def _by_level(comparisons: list[dict[str, Any]], share: str) -> dict[str, dict[str, float]]:
    """{field: {level: share}}, without what splink did not observe."""
    return {
        comparison["output_column_name"]: {
            level["label_for_charts"]: level[share] for level in comparison["comparison_levels"] if level.get(share)
        }
        for comparison in comparisons
    }


def _pairs_count(contacts: Any, columns: tuple[str, ...]) -> int:
    counted = contacts.query_sql(
        "select coalesce(sum(contacts_count * (contacts_count - 1) // 2), 0) as pairs_count from ("
        f"select count(*) as contacts_count from {{this}} where {' is not null and '.join(columns)} is not null "
        f"group by {', '.join(columns)})"
    )
    return int(counted.as_record_list()[0]["pairs_count"])


def _mean(field: Field, weighed: list[tuple[float, list[float]]]) -> list[float]:
    total = sum(weight for weight, _ in weighed)
    return [sum(weight * shares[number] for weight, shares in weighed) / total for number in range(len(field.levels))]


def _pairs(ms: list[float], us: list[float]) -> tuple[tuple[float, float], ...]:
    """Shares of a field's levels, each summing to one, rounded so that a sum's order leaves no trace."""
    return tuple((_rounded(m / sum(ms)), _rounded(u / sum(us))) for m, u in zip(ms, us, strict=True))


def _rounded(share: float) -> float:
    return round(share, _DIGITS - 1 - math.floor(math.log10(share)))
