"""What is compared between two contacts, on which levels, and what each level is worth without any data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Level:
    """One degree of likeness. `m` is its share among pairs of one person, `u` among pairs of two."""

    word: str
    condition: str
    m: float
    u: float


@dataclass(frozen=True)
class Field:
    """A column of both contacts, its levels from the same to different; a missing value is evidence for nothing.

    With `is_weighed_by_frequency`, two Smiths say less than two Featherstonehaughs.
    """

    name: str
    levels: tuple[Level, ...]
    is_weighed_by_frequency: bool = True


def _field(
    name: str, similar: str, m: tuple[float, float], u: tuple[float, float], *, is_weighed_by_frequency: bool = True
) -> Field:
    """`m` and `u` are those of the levels same and similar; different is the rest."""
    levels = (
        Level("same", f"{name}_l = {name}_r", m[0], u[0]),
        Level("similar", similar.format(left=f"{name}_l", right=f"{name}_r"), m[1], u[1]),
        Level("different", "else", round(1 - sum(m), 9), round(1 - sum(u), 9)),
    )
    return Field(name, levels, is_weighed_by_frequency)


_ALIKE = "jaro_winkler_similarity({left}, {right}) >= 0.9"
# One slip of the fingers, or day and month the other way round.
_ONE_SLIP = "damerau_levenshtein({left}, {right}) <= 1"
_SWAPPED = "{left} = substr({right}, 1, 5) || substr({right}, 9, 2) || '-' || substr({right}, 6, 2)"

# The shares are what one expects of customer data before seeing any: they start the estimation, fill in where the
# contacts show too little, and are all there is for a handful of contacts.
FIELDS = (
    _field("first_name", _ALIKE, m=(0.85, 0.06), u=(0.005, 0.005)),
    _field("last_name", _ALIKE, m=(0.85, 0.06), u=(0.002, 0.004)),
    _field("birth_date", f"{_ONE_SLIP} or {_SWAPPED}", m=(0.9, 0.06), u=(0.00005, 0.002)),
    _field("city", _ALIKE, m=(0.75, 0.03), u=(0.02, 0.002)),
    # A phone is nearly unique: its frequency says no more than that it is there.
    _field("phone", _ONE_SLIP, m=(0.5, 0.05), u=(0.000001, 0.00001), is_weighed_by_frequency=False),
    _field("local_part", _ALIKE, m=(0.35, 0.1), u=(0.0001, 0.005)),
)

# Pairs that agree on one of these are compared, no others. contacts.sql empties a key that too many contacts share.
KEYS = ("key_name", "key_first_birth", "key_last_birth", "key_last_city", "key_phone", "key_local")

# The shares among pairs of one person are learned twice, each time from pairs that agree on the columns named;
# each field is learned where it is not what the pairs were chosen by.
TRAINING_BLOCKS = (("birth_date",), ("first_name", "last_name"))

# What tells the members of one household apart: they share the last name, the city and often the phone.
PERSONAL = ("first_name", "birth_date", "local_part")

# Agreement that hardly happens by chance: how many pairs show it says how common duplicates are.
SURE_SIGNS = (("first_name", "last_name", "birth_date"), ("first_name", "phone"), ("birth_date", "local_part"))


@dataclass(frozen=True)
class Parameters:
    """The model's numbers: how likely any two contacts are one person, and (m, u) per field and level."""

    prior: float
    shares: dict[str, tuple[tuple[float, float], ...]]
    is_estimated: bool = False


def expected_parameters(contacts_count: int) -> Parameters:
    """What holds before any data: one contact in fifty has a double."""
    return Parameters(
        prior=bounded_prior(0.0, contacts_count),
        shares={field.name: tuple((level.m, level.u) for level in field.levels) for field in FIELDS},
    )


def bounded_prior(prior: float, contacts_count: int) -> float:
    """Between one double for fifty contacts and one for each: what a small sample shows may lie anywhere."""
    pairs_each = max(contacts_count - 1, 1) / 2
    return min(max(prior, 0.02 / pairs_each), 1 / pairs_each, 0.5)


def splink_settings(parameters: Parameters) -> dict[str, Any]:
    """The model in splink's words. Frequencies are used only when the numbers come from enough contacts."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "contact_id",
        "probability_two_random_records_match": parameters.prior,
        "comparisons": [_comparison(field, parameters) for field in FIELDS],
        "blocking_rules_to_generate_predictions": [same(key) for key in KEYS],
        # Without these it would tell neither the levels nor what each is worth.
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "linker_uid": "contacts",
    }


def same(*columns: str) -> str:
    """The condition that two contacts agree on all of these columns."""
    return " and ".join(f"l.{column} = r.{column}" for column in columns)


def _comparison(field: Field, parameters: Parameters) -> dict[str, Any]:
    missing = f"{field.name}_l is null or {field.name}_r is null"
    levels: list[dict[str, Any]] = [{"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True}]
    for level, (m, u) in zip(field.levels, parameters.shares[field.name], strict=True):
        described = {
            "sql_condition": level.condition,
            "label_for_charts": level.word,
            "m_probability": m,
            "u_probability": u,
        }
        if level.word == "same" and field.is_weighed_by_frequency and parameters.is_estimated:
            described["tf_adjustment_column"] = field.name
        levels.append(described)
    return {"output_column_name": field.name, "comparison_levels": levels}
