"""What a build remembers of those before it changes nothing of what it makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration import dbt_once
from orchestration.settings import DBT_PROJECT

PROJECT = """
name: small
profile: sincerely
macro-paths: [macros]
model-paths: [models]
"""
MODELS = {
    "one": "select {{ var('number') }} as number, '{{ greeting() }}' as said",
    "two": "select number + 1 as number, said from {{ ref('one') }}",
}
MACRO = "{% macro greeting() %}hello{% endmacro %}"


class Small:
    """A project of two models, and its builds, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("macros", "models"):
            (folder / name).mkdir(parents=True)
        (folder / "dbt_project.yml").write_text(PROJECT)
        (folder / "profiles.yml").write_text((DBT_PROJECT / "profiles.yml").read_text())
        self.write(**MODELS)
        self.parse()

    def write(self, **models: str) -> None:
        (self.folder / "macros" / "greeting.sql").write_text(MACRO)
        for name, sql in models.items():
            (self.folder / "models" / f"{name}.sql").write_text(sql)

    def parse(self) -> None:
        self._dbt("parse", number=0, manifest="")

    def build(self, number: int, *arguments: str) -> list[str]:
        """The names of the models that were built."""
        self._dbt("build", *arguments, number=number, manifest=str(self.folder / "target" / "partial_parse.msgpack"))
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        assert {result["status"] for result in results} <= {"success"}
        return sorted(result["unique_id"].rpartition(".")[2] for result in results)

    def statuses(self, number: int) -> dict[str, str]:
        """What became of each model and test, which may have failed."""
        self._dbt(
            "build", number=number, manifest=str(self.folder / "target" / "partial_parse.msgpack"), statuses=(0, 1)
        )
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".")[2]: result["status"] for result in results}

    def rows(self, table: str) -> list[tuple[int, str]]:
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as connection:
            return connection.execute(f"select * from core.{table}").fetchall()

    @property
    def memory(self) -> Path:
        (file,) = (self.folder / "target" / "remembered").iterdir()
        return file

    def _dbt(self, command: str, *arguments: str, number: int, manifest: str, statuses: tuple[int, ...] = (0,)) -> None:
        environ = {
            **os.environ,
            "SINCERELY_WAREHOUSE": str(self.folder / "warehouse.duckdb"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "SINCERELY_MANIFEST": manifest,
        }
        done = subprocess.run(
            [
                sys.executable, "-m", "orchestration.dbt_process", command, *arguments, "--project-dir",
                str(self.folder), "--profiles-dir", str(self.folder), "--vars", json.dumps({"number": number}),
            ],
            env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in statuses, done.stdout


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "small")


def test_a_build_with_a_memory_makes_what_one_without_makes(small: Small) -> None:
    assert small.build(1) == ["one", "two"]
    assert small.rows("two") == [(2, "hello")]
    small.build(2)  # over what is there other macros are asked for than where nothing is
    written = small.memory.stat().st_mtime_ns

    assert small.build(7) == ["one", "two"]

    assert small.rows("two") == [(8, "hello")]
    assert small.memory.stat().st_mtime_ns == written, "nothing was new"
    assert small.build(9, "--select", "one") == ["one"]
    assert small.rows("two") == [(10, "hello")]  # a view, of the other


def test_what_was_changed_is_not_taken_from_memory(small: Small) -> None:
    small.build(1)
    small.write(two="select number * 2 as number, said from {{ ref('one') }}", three="select * from {{ ref('two') }}")
    small.parse()

    assert small.build(5) == ["one", "three", "two"]
    assert small.rows("three") == [(10, "hello")]


def test_models_wait_for_the_tests_before_them_in_every_build(small: Small) -> None:
    (small.folder / "models" / "one.yml").write_text(
        "models: [{name: one, columns: [{name: number, data_tests: [{accepted_values: {arguments: {values: [1]}}}]}]}]"
    )
    small.parse()

    for _ in range(2):  # the second time from memory
        assert small.statuses(1) == {"one": "success", "accepted_values_one_number__1": "pass", "two": "success"}
        assert small.statuses(2) == {"one": "success", "accepted_values_one_number__1": "fail", "two": "skipped"}


@pytest.mark.parametrize("damaged", [b"", b"\x00garbage", b"i\x01\x00\x00\x00"])
def test_a_damaged_memory_is_as_good_as_none(tmp_path: Path, damaged: bytes) -> None:
    file = tmp_path / "memory"
    file.write_bytes(damaged)
    memory = dbt_once._Memory()

    memory.read(file)
    memory.templates["kind", "source"] = compile("1", "a template", "eval")
    memory.is_new = True
    memory.write(file)

    again = dbt_once._Memory()
    again.read(file)
    assert list(again.templates) == [("kind", "source")]


@pytest.mark.parametrize("kept_bytes", [0, 16, 40, 5_000])
def test_a_damaged_manifest_is_as_good_as_none(small: Small, kept_bytes: int) -> None:
    small.build(1)
    kept = small.folder / "target" / "partial_parse.pickle"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:kept_bytes])

    assert small.build(5) == ["one", "two"]

    assert small.rows("two") == [(6, "hello")]
    assert len(kept.read_bytes()) > 5_000, "kept anew"


def test_a_schema_is_made_when_it_is_asked_for() -> None:
    asked = (
        "from orchestration import dbt_records; dbt_records.prepare();"
        "from dbt.artifacts.schemas.run import RunResultsArtifact as of;"
        "import sys; assert 'get_schema' not in vars(sys.modules['mashumaro.jsonschema.builder']);"
        "print(of.json_schema()['properties']['results']['type'])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert done.stdout == "array\n", done.stderr


RECORDS = """
import hashlib, json, sys
from pathlib import Path
if sys.argv[2] == "when asked":
    from orchestration import dbt_records
    dbt_records.prepare()
from dbt.contracts.graph.manifest import Manifest
manifest = Manifest.from_msgpack(Path(sys.argv[1]).read_bytes())
again = Manifest.from_msgpack(manifest.to_msgpack())
written = [node.to_dict(omit_none=True) for kind in (again.nodes, again.macros) for node in kind.values()]
print(len(written), hashlib.sha256(json.dumps(written, sort_keys=True, default=str).encode()).hexdigest())
"""


def test_records_are_read_and_written_as_dbt_alone_does_it(small: Small) -> None:
    parsed = str(small.folder / "target" / "partial_parse.msgpack")
    said = [
        subprocess.run([sys.executable, "-c", RECORDS, parsed, how], capture_output=True, text=True, check=False)
        for how in ("when asked", "beforehand")
    ]
    assert said[0].stdout == said[1].stdout != "", said[0].stderr + said[1].stderr
