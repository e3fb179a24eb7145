"""What a model's asset says of the election of its version."""

from __future__ import annotations

from typing import Any

import dagster as dg

from ml import contest
from orchestration.model_results import NEWEST_IS_IN_USE
from orchestration.models.election import Elected


def election_result(elected: Elected[Any]) -> dg.AssetCheckResult:
    """A version that a person pinned is no fault; one that won is said, and warns."""
    lost = elected.decision.decision == contest.KEPT and not elected.is_pinned
    return dg.AssetCheckResult(
        check_name=NEWEST_IS_IN_USE,
        passed=not lost,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"note": elected.sentence},
    )
