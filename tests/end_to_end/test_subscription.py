"""A subscription business: the whole project is built by another set of rules, named in a var."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestration import dbt
from orchestration.settings import load_settings
from tests.building import build, land
from tests.querying import rows

AS_OF = datetime(2017, 12, 31)
Built = tuple[Path, subprocess.CompletedProcess[str]]

ACTS = {
    "tries": [("trial_started", AS_OF - timedelta(days=14) + timedelta(seconds=1))],
    "tried": [("trial_started", AS_OF - timedelta(days=14))],
    "pays": [("trial_started", datetime(2017, 11, 1)), ("subscription_started", datetime(2017, 11, 10))],
    "owes": [("payment_succeeded", datetime(2017, 12, 1)), ("payment_failed", datetime(2017, 12, 30))],
    "left": [("subscription_started", datetime(2017, 2, 1)), ("subscription_cancelled", datetime(2017, 12, 1))],
    "signs_up": [],
}


@pytest.fixture(scope="module")
def home(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the main job ran; then acts of subscribers land, and all is built by their rules."""
    home = tmp_path_factory.mktemp("subscription") / "home"
    shutil.copytree(built[0], home)
    contacts = [f"s-{who},{who}@example.org,2017-01-15" for who in ACTS]
    acts = [f"s-{who},{activity},{at.isoformat()}" for who, rows in ACTS.items() for activity, at in rows]
    for name, header, lines in (
        ("contacts", "contact_id,email,signed_up_at", contacts),
        ("activities", "contact_id,activity,occurred_at", acts),
    ):
        path = home / "landing" / "crm" / name / "subscribers.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n")
    land(load_settings({"SINCERELY_HOME": str(home)}))
    build(home, AS_OF, ["path:models"], is_tested=True, lifecycle_rules="subscription")
    return home


def test_each_subscriber_is_in_their_stage_and_everyone_else_is_a_prospect(home: Path) -> None:
    stages = dict(
        rows(
            home,
            "select identifier, lifecycle_stage from core.profiles "
            "inner join core.identity_map using (person_id) where identifier_type = 'contact_id'",
        )
    )
    assert {who: stages.pop(f"s-{who}") for who in ACTS} == {
        "tries": "trial", "tried": "churned", "pays": "active", "owes": "past_due", "left": "churned",
        "signs_up": "prospect",
    }  # fmt: skip
    assert set(stages.values()) == {"prospect"}


def test_the_history_has_each_change_at_its_instant(home: Path) -> None:
    assert rows(
        home,
        "select from_stage, to_stage, changed_at from core.lifecycle_transitions "
        "inner join core.identity_map using (person_id) where identifier = 's-pays' order by changed_at",
    ) == [
        (None, "prospect", datetime(2017, 1, 15)),
        ("prospect", "trial", datetime(2017, 11, 1)),
        ("trial", "active", datetime(2017, 11, 10)),
    ]


def test_a_segment_that_asks_for_a_stage_of_other_rules_is_empty(home: Path) -> None:
    segments = {name for (name,) in rows(home, "select distinct segment from core.segment_memberships")}
    assert "new_prospects" in segments
    assert segments & {"repeat_buyers", "local_repeat_buyers", "lapsed_at_risk", "lapsed_high_value"} == set()


def test_rules_that_nobody_wrote_are_refused_by_name(tmp_path: Path) -> None:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    done = subprocess.run(
        [
            dbt.executable(), "parse", "--project-dir", str(dbt.DBT_PROJECT), "--target-path", str(tmp_path),
            "--vars", dbt.variables(AS_OF, lifecycle_rules="lottery"),
        ],
        env={**os.environ, **dbt.environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "lifecycle_rules is 'lottery', but macros/lifecycle/ has no macros lifecycle_lottery" in done.stdout
