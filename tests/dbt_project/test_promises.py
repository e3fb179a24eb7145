"""What a table's YAML file promises of its columns is tested, and a broken promise is told in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from orchestration import broken_promises, dbt_process
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import Warehouse

PROJECT = """
name: sincerely
profile: sincerely
macro-paths: [macros]
model-paths: [models]
vars: {only_news_is_tested: false}
"""
ROWS = """
select * from (values
    (1, 'a', 'open', 5, 'x'), (2, 'a', 'shut', 9, 'x'), (2, null, 'ajar', 11, 'y'), (3, null, null, null, 'y'),
    (null, 'b', 'open', 1, 'z')
) as doors (id, town, state, height, street)
"""
PROMISES = """
models:
    - name: doors
      data_tests:
          - sound:
                name: sound_doors
                arguments: {arguments}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in ("macros", "models"):
        (folder / name).mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "models" / "doors.sql").write_text(ROWS)
    shutil.copy(DBT_PROJECT / "macros" / "tests.sql", folder / "macros")
    shutil.copy(DBT_PROJECT / "profiles.yml", folder)
    return folder


def build(project: Path, arguments: str) -> Exception | None:
    """Builds the table with these promises; returns what was found."""
    (project / "models" / "doors.yml").write_text(PROMISES.format(arguments=arguments))
    warehouse = project / "warehouse.duckdb"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SINCERELY_WAREHOUSE", str(warehouse))
        patched.setenv("DBT_LOG_PATH", str(project / "logs"))
        patched.setenv("SINCERELY_MANIFEST", "")
        dbt_process.invoke(["build", "--project-dir", str(project), "--profiles-dir", str(project)])
    target = project / "target"
    results = json.loads((target / "run_results.json").read_text())["results"]
    assert {result["status"] for result in results} <= {"success", "pass", "fail"}
    manifest = json.loads((target / "manifest.json").read_text())
    return broken_promises.error(Warehouse(warehouse), manifest, results)


def test_each_broken_promise_is_told_with_the_rows_that_break_it(project: Path) -> None:
    told = str(
        build(
            project,
            "{key: [id], unique: [town, [town, street]], not_null: [height], accepted: {state: [open, shut]}, "
            "between: {height: [2, 10]}}",
        )
    )
    assert told.count("core.doors: ") == 7, told
    for words in (
        "id is null in 1 row",
        "height is null in 1 row",
        "state is none of open, shut in 1 row",
        "height is not from 2 to 10 in 2 rows",
        "id is not unique in 2 rows",
        # Nulls of one column are no doubles of one another; those of several are one value.
        "town is not unique in 2 rows",
        "town, street is not unique in 4 rows",
    ):
        assert f"core.doors: {words}" in told, told
    assert told.endswith("Mend the data or the model, and run again.")


def test_promises_that_hold_say_nothing(project: Path) -> None:
    arguments = (
        "{unique: [[id, town, height]], not_null: [street], accepted: {street: [x, y, z]}, between: {height: [1, 11]}}"
    )
    assert build(project, arguments) is None


def test_a_key_of_several_columns_is_unique_only_together(project: Path) -> None:
    assert build(project, "{unique: [[street, height]]}") is None
    assert "street, id is not unique in" not in str(build(project, "{key: [street, state]}"))
    assert "core.doors: street is not unique in 4 rows" in str(build(project, "{unique: [street]}"))
