"""What champions.py promises: one version in use, and a way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml import champions, lifetime, store
from ml.errors import ModelFileError

DAY = datetime(2024, 6, 1, tzinfo=UTC)
MODEL = lifetime.LifetimeModel(None, None, 1.0, 0, "nothing")


def saved(folder: Path, day: int) -> str:
    metadata = store.ModelMetadata(name="lifetime", as_of=DAY + timedelta(days=day), data_fingerprint="abc")
    return store.save(replace(MODEL, people_count=day), metadata, folder)


def promoted(folder: Path, day: int, is_pinned: bool = False) -> str:
    version = saved(folder, day)
    champions.promote(folder, "lifetime", version, at=DAY, reason="better", is_pinned=is_pinned)
    return version


def in_use(folder: Path) -> tuple[str, bool]:
    move = champions.current(folder, "lifetime")
    assert move is not None and move.version == store.champion(folder, "lifetime")
    return move.version, move.is_pinned


def test_a_rollback_goes_to_the_version_before_and_again_to_the_one_before_that(tmp_path: Path) -> None:
    first, second, _ = (promoted(tmp_path, day) for day in (1, 2, 3))

    champions.rollback(tmp_path, "lifetime", at=DAY)
    assert in_use(tmp_path)[0] == second
    champions.rollback(tmp_path, "lifetime", at=DAY)
    assert in_use(tmp_path)[0] == first
    with pytest.raises(ModelFileError, match="no champion before"):
        champions.rollback(tmp_path, "lifetime", at=DAY)


def test_after_a_rollback_the_next_rollback_skips_what_was_taken_back(tmp_path: Path) -> None:
    first = promoted(tmp_path, 1)
    promoted(tmp_path, 2)
    champions.rollback(tmp_path, "lifetime", at=DAY)
    promoted(tmp_path, 3)

    champions.rollback(tmp_path, "lifetime", at=DAY)

    assert in_use(tmp_path)[0] == first


def test_what_training_chose_and_a_person_took_back_does_not_come_back(tmp_path: Path) -> None:
    first = promoted(tmp_path, 1)
    promoted(tmp_path, 2)

    champions.rollback(tmp_path, "lifetime", at=DAY)

    assert in_use(tmp_path) == (first, True)


def test_rolling_back_a_pinned_version_ends_its_pin(tmp_path: Path) -> None:
    first = promoted(tmp_path, 1)
    promoted(tmp_path, 2, is_pinned=True)

    champions.rollback(tmp_path, "lifetime", at=DAY)

    assert in_use(tmp_path) == (first, False)


def test_a_released_version_stays_in_use_until_training_replaces_it(tmp_path: Path) -> None:
    version = promoted(tmp_path, 1, is_pinned=True)

    champions.release(tmp_path, "lifetime", at=DAY)

    assert in_use(tmp_path) == (version, False)
    with pytest.raises(ModelFileError, match="not pinned"):
        champions.release(tmp_path, "lifetime", at=DAY)


def test_a_damaged_version_is_not_put_in_use(tmp_path: Path) -> None:
    first, second = promoted(tmp_path, 1), saved(tmp_path, 2)
    path = tmp_path / "lifetime" / second / "model.skops"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(ModelFileError, match="not the file that was saved"):
        champions.promote(tmp_path, "lifetime", second, at=DAY, reason="")

    assert in_use(tmp_path)[0] == first


def test_a_rollback_to_a_version_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    first, second = promoted(tmp_path, 1), promoted(tmp_path, 2)
    (tmp_path / "lifetime" / first / "model.skops").unlink()

    with pytest.raises(ModelFileError, match="missing"):
        champions.rollback(tmp_path, "lifetime", at=DAY)

    assert in_use(tmp_path)[0] == second


def test_a_move_that_was_killed_before_the_pointer_is_no_move(tmp_path: Path) -> None:
    first, second = promoted(tmp_path, 1), promoted(tmp_path, 2)
    (tmp_path / "lifetime" / "champion").write_text(first + "\n")

    assert in_use(tmp_path)[0] == first
    assert [move.version for move in champions.history(tmp_path, "lifetime")] == [first]
    assert second in store.versions(tmp_path, "lifetime")


def test_a_pointer_of_an_older_home_without_a_history_is_a_champion(tmp_path: Path) -> None:
    version = saved(tmp_path, 1)
    store.promote(tmp_path, "lifetime", version)

    assert in_use(tmp_path) == (version, False)
