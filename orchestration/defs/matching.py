"""Probabilistic matching, an asset only where the project switches it on: without it, nothing here costs anything."""

from importlib.resources import files

import dagster as dg
import pyarrow.compute as pc

from orchestration import dbt
from orchestration.defs.resources import WAREHOUSE_POOL, Home

_NUMBERS = dbt.project_vars()


def _identity_matches() -> dg.AssetsDefinition:
    @dg.asset(
        key=["ml", "identity_matches"],
        group_name="identity",
        kinds={"python", "splink"},
        deps=[["staging", "stg_crm__contacts"]],
        pool=WAREHOUSE_POOL,
    )
    def identity_matches(home: Home) -> dg.MaterializeResult:
        """Pairs of contacts that are probably one person, each with its probability and what it rests on."""
        from orchestration.matching import scoring  # splink takes a second to load

        warehouse, settings = home.warehouse(), home.settings()
        query = files("orchestration.matching").joinpath("contacts.sql").read_text(encoding="utf-8")
        contacts = warehouse.table(query, [_NUMBERS["max_contacts_per_identifier"], scoring.MOST_CONTACTS_PER_KEY])
        review, merge = _NUMBERS["match_review_probability"], _NUMBERS["match_merge_probability"]
        matches = scoring.score(contacts, at_least=min(review, merge), memory_limit=settings.memory_limit)
        rows = warehouse.replace("ml.identity_matches", matches.pairs)
        merging = pc.sum(pc.greater_equal(matches.pairs["match_probability"], merge)).as_py() or 0
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows,
                "contacts_compared": contacts.num_rows,
                "pairs_that_merge": merging,
                "pairs_to_review": rows - merging,
                "learned_from_the_contacts": matches.parameters.is_estimated,
            }
        )

    return identity_matches


matching_assets = [_identity_matches()] if _NUMBERS["probabilistic_matching"] else []
