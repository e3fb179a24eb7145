"""What a model's asset says of the election of its version."""

from __future__ import annotations

from typing import Any

import dagster as dg

from ml import contest
from orchestration.models.election import Elected

_CHECK = "newest_version_is_in_use"


def election_check(asset: list[str]) -> dg.AssetCheckSpec:
    """The check that warns when training made a version that was not put in use."""
    return dg.AssetCheckSpec(
        _CHECK,
        asset=asset,
        description="What was trained now is in use, or a person pinned another version.",
    )


def election_result(elected: Elected[Any]) -> dg.AssetCheckResult:
    """A version that a person pinned is no fault; one that won is said, and warns."""
    lost = elected.decision.decision == contest.KEPT and not elected.is_pinned
    return dg.AssetCheckResult(
        check_name=_CHECK,
        passed=not lost,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"note": elected.sentence},
    )
