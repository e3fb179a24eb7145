"""A backtest asks the past by today's SQL, and leaves the home as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ml import backtesting, churn, churn_features, store
from orchestration import training
from orchestration.errors import SincerelyError
from orchestration.models import backtest, tables
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.building import land_and_build
from tests.conftest import Sincerely
from tests.dbt_project.test_churn_features import shop

AS_OF = datetime(2018, 1, 1)
TABLES = ("ml.churn_cutoffs", "ml.churn_features", "ml.churn_examples")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("backtest")
    shop(home, "all", [datetime(2017, 1, 5) + timedelta(days=9 * step) for step in range(38)])
    land_and_build(home, AS_OF, ["churn_examples"])
    return home


def content(home: Path) -> list[list[tuple]]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return [connection.execute(f"select * from {table} order by all").fetchall() for table in TABLES]


def test_a_backtest_of_the_held_out_month_has_the_examples_of_the_build(home: Path) -> None:
    settings = load_settings({"SINCERELY_HOME": str(home)})
    warehouse = Warehouse(settings.warehouse)

    then = backtest.examples(settings, warehouse, datetime(2017, 12, 1, tzinfo=UTC))

    assert then.num_rows > 12
    assert training.fingerprint(then) == training.fingerprint(warehouse.table(training.CHURN_EXAMPLES))


def test_a_backtest_shows_each_cutoff_and_changes_nothing(sincerely: Sincerely, home: Path) -> None:
    before = content(home)

    done = sincerely(
        home, "backtest", "churn", "--from", "2017-09-01", "--to", "2017-10-15", "--every", "30d", "--json"
    )

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["cutoff"] for row in rows] == ["2017-09-01 00:00:00", "2017-10-01 00:00:00"]
    assert [row["rows_count"] for row in rows] == [12, 12]
    assert content(home) == before


def test_what_is_not_over_cannot_be_tested(sincerely: Sincerely, home: Path) -> None:
    done = sincerely(home, "backtest", "churn", "--from", "2017-12-20", "--to", "2017-12-20")
    assert done.returncode == 1
    assert "choose an earlier --to" in done.stderr


def test_a_home_without_a_build_says_so(sincerely: Sincerely, tmp_path: Path) -> None:
    done = sincerely(tmp_path, "backtest", "churn", "--from", "2017-12-01", "--to", "2017-12-01")
    assert "Nothing is built yet" in done.stderr


def test_steps_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(SincerelyError, match="exchange them"):
        backtest.cutoffs(AS_OF, AS_OF - timedelta(days=1), timedelta(days=30))


def examples() -> pa.Table:
    """1,200 made-up people at three cutoffs, more silence meaning more churn."""
    rng = np.random.default_rng(1)
    values = {name: rng.random(1200) for name in churn.FEATURES}
    cutoffs = [datetime(2017, 6, 1), datetime(2017, 8, 1), datetime(2017, 12, 1)]
    return pa.table(
        {
            "person_id": [f"p{number:04}" for number in range(1200)],
            "cutoff": pa.array([cutoffs[number % 3] for number in range(1200)], pa.timestamp("us")),
            "split": [("train", "train", "test")[number % 3] for number in range(1200)],
            "is_churned": rng.random(1200) < values["recency_days"],
            **values,
        }
    )


def test_the_same_data_gives_the_same_bytes_and_the_same_tables(tmp_path: Path) -> None:
    files, forecasts, rows = [], [], []
    for folder in (tmp_path / "one", tmp_path / "two"):
        model = churn.fit(examples())
        assert model.method != "base_rate" and "boosting" in model.candidates
        version = store.save(model, training.churn_metadata(model, examples(), AS_OF.replace(tzinfo=UTC)), folder)
        files.append([(folder / "churn" / version / name).read_bytes() for name in ("model.skops", "metadata.json")])
        forecasts.append(churn.predict(model, examples()))
        rows.append(backtesting.backtest_churn(examples(), cutoff=datetime(2017, 12, 1), horizon_days=30))

    assert files[0] == files[1]
    assert forecasts[0].equals(forecasts[1])
    assert rows[0].equals(rows[1])


def test_nothing_is_learned_from_what_ends_after_the_cutoff() -> None:
    with pytest.raises(ValueError, match="end after"):
        backtesting.backtest_churn(examples(), cutoff=datetime(2017, 8, 20), horizon_days=30)


def test_a_partition_takes_the_place_of_its_own_rows(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.replace("ml.other", pa.table({"a": [1]}))
    for month, method in ((11, "a"), (12, "a"), (12, "b")):
        row = {"cutoff": datetime(2017, month, 1), "method": method}
        table = pa.Table.from_pylist([row], schema=backtesting.SCHEMA)
        tables.replace_rows(warehouse, "ml.churn_backtests", table, "cutoff", datetime(2017, month, 1, tzinfo=UTC))

    found = warehouse.rows("select cutoff, method from ml.churn_backtests order by cutoff")
    assert [row["method"] for row in found] == ["a", "b"]


def test_sql_and_python_name_the_same_features() -> None:
    macro = (Path(training.dbt.DBT_PROJECT) / "macros" / "churn.sql").read_text()
    named = macro.partition("macro churn_feature_names")[2].partition("[")[2].partition("]")[0]
    assert [name.strip(" '\n") for name in named.split(",")] == list(churn_features.FEATURES)
