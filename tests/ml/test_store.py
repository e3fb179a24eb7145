"""What store.py promises."""

from __future__ import annotations

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
    ],
)
def test_other_data_parameters_or_day_give_another_version(other: store.ModelMetadata) -> None:
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
