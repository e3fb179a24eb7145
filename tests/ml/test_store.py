"""What store.py promises."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from skops.io import dumps

from ml import churn, store
from ml.errors import ModelFileError

METADATA = store.ModelMetadata(
    name="churn", as_of=datetime(2024, 6, 1, tzinfo=UTC), data_fingerprint="abc", params={"random_state": 0}
)


def examples() -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "person_id": [f"p{i}" for i in range(240)],
            "cutoff": pa.array([datetime(2024, 1, 1)] * 240, pa.timestamp("us")),
            "split": ["train"] * 240,
            "is_churned": rng.random(240) < 0.3,
            **{name: rng.random(240) for name in churn.FEATURES},
        }
    )


def test_a_model_predicts_the_same_after_a_round_trip(tmp_path: Path) -> None:
    model = churn.fit(examples())

    version = store.save(model, METADATA, tmp_path)

    loaded = store.load(tmp_path, "churn", version)
    assert churn.predict(loaded, examples()).equals(churn.predict(model, examples()))
    assert loaded.note == model.note


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        version = store.save(churn.fit(examples()), METADATA, folder)
        paths.append(folder / "churn" / version)

    for file in ("model.skops", "metadata.json"):
        assert (paths[0] / file).read_bytes() == (paths[1] / file).read_bytes()


def test_a_version_is_never_written_twice(tmp_path: Path) -> None:
    version = store.save(churn.fit(examples()), METADATA, tmp_path)
    before = (tmp_path / "churn" / version / "model.skops").read_bytes()

    again = store.save(churn.fit(examples().slice(0, 0)), METADATA, tmp_path)

    assert again == version
    assert (tmp_path / "churn" / version / "model.skops").read_bytes() == before
    assert [path.name for path in (tmp_path / "churn").iterdir()] == [version]


@pytest.mark.parametrize(
    "other",
    [
        replace(METADATA, data_fingerprint="abd"),
        replace(METADATA, params={"random_state": 1}),
        replace(METADATA, as_of=datetime(2024, 6, 2, tzinfo=UTC)),
        replace(METADATA, code="another"),
        replace(METADATA, features=("recency_days",)),
        replace(METADATA, libraries={"skops": "0.1"}),
    ],
)
def test_other_data_parameters_day_or_code_give_another_version(other: store.ModelMetadata) -> None:
    assert other.version != METADATA.version
    assert METADATA.version.startswith("2024-06-01-")


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    version = store.save(churn.fit(examples()), METADATA, tmp_path)
    path = tmp_path / "churn" / version / "model.skops"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(ModelFileError, match=r"model\.skops is not the file that was saved.*train churn again"):
        store.load(tmp_path, "churn", version)


class Foreign:
    """A type that is on no list."""


def test_a_foreign_type_is_refused_even_with_the_right_checksum(tmp_path: Path) -> None:
    version = store.save(Foreign(), METADATA, tmp_path)

    with pytest.raises(ModelFileError, match=r"does not load.*Foreign"):
        store.load(tmp_path, "churn", version)


def test_a_file_that_is_no_model_is_refused_even_with_the_right_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_canonical", lambda content: b"not a zip")
    version = store.save(churn.fit(examples()), METADATA, tmp_path)

    with pytest.raises(ModelFileError, match="cannot be read"):
        store.load(tmp_path, "churn", version)


def test_a_replaced_file_is_refused(tmp_path: Path) -> None:
    version = store.save(churn.fit(examples()), METADATA, tmp_path)
    (tmp_path / "churn" / version / "model.skops").write_bytes(dumps({"a": 1}))

    with pytest.raises(ModelFileError, match="not the file that was saved"):
        store.load(tmp_path, "churn", version)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_metadata_that_is_missing_or_broken_is_refused(tmp_path: Path, content: str | None) -> None:
    version = store.save(churn.fit(examples()), METADATA, tmp_path)
    path = tmp_path / "churn" / version / "metadata.json"
    path.unlink() if content is None else path.write_text(content)

    with pytest.raises(ModelFileError, match=r"metadata\.json"):
        store.load(tmp_path, "churn", version)


def test_there_is_no_champion_until_one_is_promoted(tmp_path: Path) -> None:
    version = store.save(churn.fit(examples()), METADATA, tmp_path)
    assert store.champion(tmp_path, "churn") is None

    store.promote(tmp_path, "churn", version)

    assert store.champion(tmp_path, "churn") == version


def test_a_version_that_does_not_exist_cannot_be_promoted(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="missing"):
        store.promote(tmp_path, "churn", "2024-06-01-0000000000")


@pytest.mark.parametrize("name", ["../churn", "a/b", "", ".hidden"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelFileError, match="no name"):
        store.load(tmp_path, name, "v1")


def test_a_file_written_by_another_skops_is_refused(tmp_path: Path) -> None:
    version = store.save(churn.fit(examples()), METADATA, tmp_path)
    path = tmp_path / "churn" / version / "metadata.json"
    described = json.loads(path.read_text())
    path.write_text(json.dumps({**described, "libraries": {**described["libraries"], "skops": "0.1"}}))

    with pytest.raises(ModelFileError, match=r"was written with .*skops 0\.1, and this is"):
        store.load(tmp_path, "churn", version)


def test_metadata_of_another_version_is_refused(tmp_path: Path) -> None:
    version = store.save(churn.fit(examples()), METADATA, tmp_path)
    (tmp_path / "churn" / version).rename(tmp_path / "churn" / "2024-06-01-0123456789")

    with pytest.raises(ModelFileError, match="of another model or version"):
        store.load(tmp_path, "churn", "2024-06-01-0123456789")


@pytest.mark.parametrize("what", ["version", "model.skops", "metadata.json", "champion"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, what: str) -> None:
    folder, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    version = store.save(churn.fit(examples()), METADATA, folder)
    store.promote(folder, "churn", version)
    path = folder / "churn" / ("" if what == "champion" else version) / ("" if what == "version" else what)
    path.rename(elsewhere)
    path.symlink_to(elsewhere)

    with pytest.raises(ModelFileError, match="link"):
        store.load(folder, "churn", store.champion(folder, "churn") or "")


def test_what_a_model_was_made_of_is_said_beside_it(tmp_path: Path) -> None:
    rows = [
        {"model": "churn", "metric": "brier", "split": "test", "value": 0.1, "value_low": 0.09, "value_high": 0.11,
         "baseline_value": 0.12},
        {"model": "churn", "metric": "brier", "split": "validation", "value": 0.2, "baseline_value": 0.3},
    ]  # fmt: skip
    told = replace(METADATA, metrics=store.measured(rows), features=("recency_days",), held_out_from=METADATA.as_of)

    described = store.load_metadata(tmp_path, "churn", store.save(churn.fit(examples()), told, tmp_path))

    interval = {"value": 0.1, "value_low": 0.09, "value_high": 0.11, "baseline_value": 0.12}
    assert described["metrics"] == {"churn": {"brier": interval}}
    assert described["features"] == ["recency_days"]
    assert described["held_out_from"] == "2024-06-01T00:00:00+00:00"
    assert described["params"] == {"random_state": 0}
    assert set(described["libraries"]) == {"scikit-learn", "skops"}
    assert "+" in described["code"]
