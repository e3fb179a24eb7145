"""Settings: where a value came from, and plain words for those that cannot be used."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration import dbt
from orchestration.errors import LockedError, SettingsError, StorageError
from orchestration.locks import exclusive, holder
from orchestration.settings import load_settings, parse_instant
from orchestration.warehouse import Warehouse
from tests.building import run_dbt


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"SINCERELY_HOME": str(home), **more}


def test_the_environment_beats_the_file_and_the_file_the_default(tmp_path: Path) -> None:
    (tmp_path / "sincerely.toml").write_text('as_of = "2018-01-01T00:00:00Z"\nmemory_limit = "1GB"\n')
    settings = load_settings(environ(tmp_path, SINCERELY_MEMORY_LIMIT="3GB"))
    assert settings.memory_limit == "3GB"
    assert settings.as_of == datetime(2018, 1, 1, tzinfo=UTC)
    origins = {each.name: each.origin for each in settings.describe()}
    assert origins["SINCERELY_AS_OF"] == "sincerely.toml"
    assert origins["SINCERELY_MEMORY_LIMIT"] == "environment"
    assert origins["SINCERELY_ESP"] == "default"


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = load_settings(environ(tmp_path)).secret
    assert load_settings(environ(tmp_path)).secret == first
    assert len(first) >= 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_secrets_are_masked_wherever_settings_are_shown(tmp_path: Path) -> None:
    settings = load_settings(
        environ(tmp_path, SINCERELY_SECRET="hidden-hidden-hidden", SINCERELY_OUTBOX_URL="postgresql://u:pw@db/x")
    )
    shown = repr(settings) + str(settings.describe())
    assert "hidden-hidden-hidden" not in shown
    assert "pw@" not in str(settings.describe())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SINCERELY_ESP", "pigeon", "use one of"),
        ("SINCERELY_TARGET", "oracle", "use one of"),
        ("SINCERELY_AS_OF", "yesterday", "ISO 8601"),
        ("SINCERELY_COST_PER_THOUSAND", "cheap", "write an amount, such as 0.95"),
        ("SINCERELY_COST_PER_THOUSAND", "-1", "write an amount"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_the_remedy(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        load_settings(environ(tmp_path, **{name: value}))


def test_a_broken_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sincerely.toml").write_text("as_of = \n")
    with pytest.raises(SettingsError, match=r"sincerely\.toml"):
        load_settings(environ(tmp_path))


def test_a_home_that_is_a_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="SINCERELY_HOME"):
        load_settings(environ(tmp_path / "file" / "home"))


def test_an_instant_without_an_offset_is_utc_and_another_offset_is_converted() -> None:
    assert parse_instant("2018-01-01T00:00:00", "x") == datetime(2018, 1, 1, tzinfo=UTC)
    east = timezone(timedelta(hours=2))
    assert parse_instant("2018-01-01T02:00:00+02:00", "x") == datetime(2018, 1, 1, 2, tzinfo=east)


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with (
        exclusive(lock, wait_seconds=0),
        pytest.raises(LockedError, match=r"in use by process \d+"),
        exclusive(lock, wait_seconds=0),
    ):
        pass
    assert holder(lock) == ""
    with exclusive(lock, wait_seconds=0):
        pass


@pytest.mark.parametrize(("memory_limit", "threads"), [("10MB", "1"), ("2GB", "2"), ("80%", "2")])
def test_what_outgrows_the_memory_is_built_one_table_at_a_time(tmp_path: Path, memory_limit: str, threads: str) -> None:
    rows = pa.table({"id": [hashlib.sha256(str(number).encode()).hexdigest() for number in range(100_000)]})
    settings = load_settings(environ(tmp_path, SINCERELY_MEMORY_LIMIT=memory_limit))
    assert dbt.environment(settings)["SINCERELY_THREADS"] == "2"  # nothing is there yet
    Warehouse(settings.warehouse).replace("raw.rows", rows)
    assert dbt.environment(settings)["SINCERELY_THREADS"] == threads


@pytest.mark.parametrize(("is_in_haste", "is_closing_gaps", "gigabytes"), [(False, True, 8), (True, False, 4)])
def test_a_build_in_haste_takes_half_of_the_memory_and_leaves_the_gaps_of_what_was_deleted(
    tmp_path: Path, is_in_haste: bool, is_closing_gaps: bool, gigabytes: int
) -> None:
    settings = load_settings(environ(tmp_path, SINCERELY_MEMORY_LIMIT="8GB"))
    query = """
        select current_setting('max_vacuum_tasks') > 0 as is_closing_gaps,
            cast(round(parse_formatted_bytes(current_setting('memory_limit')) / 1e9) as bigint) as gigabytes
    """
    said = run_dbt(
        [
            "show", "--inline", query, "--output", "json",
            "--project-dir", str(dbt.DBT_PROJECT), "--target-path", str(dbt.target_path(settings)),
            "--vars", dbt.variables(datetime(2018, 1, 1), is_in_haste=is_in_haste),
        ],
        dbt.environment(settings),
    )  # fmt: skip
    assert f'"is_closing_gaps": {str(is_closing_gaps).lower()}' in said
    assert f'"gigabytes": {gigabytes}' in said
    # Whoever reads or lands leaves gaps too, or would close what a build in haste has just left.
    kept = Warehouse(settings.warehouse).rows("select current_setting('max_vacuum_tasks') as tasks")
    assert [int(row["tasks"]) for row in kept] == [0]


@pytest.mark.parametrize(("memory_limit", "in_haste"), [("1GB", 1), ("3GB", 2), ("8GB", 4)])
def test_a_build_in_haste_takes_2_gb_where_there_are_as_many(tmp_path: Path, memory_limit: str, in_haste: int) -> None:
    limit = Warehouse(tmp_path / "warehouse.duckdb", memory_limit).memory_in_haste()
    assert round(int(limit.removesuffix("B")) / 1e9) == in_haste


@pytest.mark.parametrize("name", ["sendgrid_api_key", "mailchimp_api_key", "smtp_url"])
def test_a_secret_comes_from_the_environment_alone(tmp_path: Path, name: str) -> None:
    variable = f"SINCERELY_{name.upper()}"
    settings = load_settings(environ(tmp_path, **{variable: "smtp://user:secret-word@mail.example.com"}))
    assert getattr(settings, name) == "smtp://user:secret-word@mail.example.com"
    assert "secret-word" not in f"{settings.describe()} {settings!r}"
    (tmp_path / "sincerely.toml").write_text(f'{name} = "secret-word"\n')
    with pytest.raises(SettingsError, match=f"set {variable} in the environment") as caught:
        load_settings(environ(tmp_path))
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("hours", ["0", "-1", "soon", "inf", "nan"])
def test_the_limit_of_what_is_unknown_is_a_number_of_hours(tmp_path: Path, hours: str) -> None:
    with pytest.raises(SettingsError, match="SINCERELY_UNKNOWN_HOURS"):
        load_settings(environ(tmp_path, SINCERELY_UNKNOWN_HOURS=hours))
    assert load_settings(environ(tmp_path, SINCERELY_UNKNOWN_HOURS="24")).unknown_hours == 24
