"""What a build finds in the segments is noted once, in the order of time, and nothing of the past is noted later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.landing import files
from orchestration.segments.observing import Observed, observe
from orchestration.warehouse import Warehouse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Home:
    """A warehouse in which a build is as if dbt had made it."""

    def __init__(self, path: Path) -> None:
        self.warehouse = Warehouse(path / "warehouse.duckdb")
        files.prepare(self.warehouse)

    def build(self, day: int, members: dict[str, str], failed: tuple[str, ...] = ()) -> Observed:
        """`members` has each segment's people as a text of their letters."""
        with self.warehouse.transaction() as connection:
            connection.execute("create schema if not exists core")
            connection.execute(
                "create or replace table core.segment_members (segment varchar, person_id varchar);"
                "create or replace table core.segment_refreshes "
                "(segment varchar, is_refreshed boolean, failure varchar, built_at timestamp)"
            )
            for segment, people in members.items():
                for person in people:
                    connection.execute("insert into core.segment_members values (?, ?)", [segment, person])
            for segment in {*members, *failed}:
                failure = "It failed." if segment in failed else None
                connection.execute(
                    "insert into core.segment_refreshes values (?, ?, ?, ?)",
                    [segment, failure is None, failure, datetime(2017, 1, day)],
                )
        return observe(self.warehouse, NOW)

    def refresh(self, day: int, people: str | None = None, seen: str = "", moved: str = "") -> None:
        """What dbt notes of a refresh: of some `people` alone, or of all, where it saw some come and go or move."""
        mode = "incremental" if people is None else "partial"
        tables = {"changed_people": people or "", "segment_changes_now": seen, "moved_people": moved}
        with self.warehouse.transaction() as connection:
            connection.execute("create schema if not exists core")
            connection.execute(
                "create table if not exists core.refreshes "
                "(refresh integer, mode varchar, as_of timestamp, known_at varchar)"
            )
            connection.execute("insert into core.refreshes values (?, ?, ?, '')", [day, mode, datetime(2017, 1, day)])
            for table, whom in tables.items():
                connection.execute(
                    f"create or replace table core.{table} as select unnest(?::varchar[]) as person_id", [list(whom)]
                )

    def changes(self, segment: str) -> list[str]:
        rows = self.warehouse.rows(
            "select day(changed_at) || case change when 'entered' then '+' else '-' end || person_id as told "
            "from raw.segment_changes where segment = ? order by changed_at, change desc, person_id",
            [segment],
        )
        return [row["told"] for row in rows]

    def sizes(self, segment: str) -> list[tuple[int, int]]:
        rows = self.warehouse.rows(
            "select day(observed_at) as day, members_count from raw.segment_observations where segment = ? order by 1",
            [segment],
        )
        return [(row["day"], row["members_count"]) for row in rows]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_entries_and_exits_are_noted_as_they_are_found(home: Home) -> None:
    home.build(1, {"s": "ab"})
    home.build(2, {"s": "bc"})
    home.build(3, {"s": "bc"})
    assert home.changes("s") == ["1+a", "1+b", "2-a", "2+c"]
    assert home.sizes("s") == [(1, 2), (2, 2), (3, 2)]


def test_what_a_trigger_changed_is_noted_at_once_and_what_is_not_its_own_by_the_next_hour(home: Home) -> None:
    home.refresh(1)
    home.build(1, {"s": "abx"})
    home.refresh(2, people="abc")
    home.build(2, {"s": "bcxy"})
    assert home.changes("s") == ["1+a", "1+b", "1+x", "2-a", "2+c"]
    assert home.sizes("s") == [(1, 3), (2, 4)]
    home.refresh(3, seen="y")
    home.build(3, {"s": "bcxy"})
    assert home.changes("s") == ["1+a", "1+b", "1+x", "2-a", "2+c", "3+y"]


def test_where_the_refresh_before_was_noted_only_who_came_went_or_moved_in_this_one_is_looked_at(home: Home) -> None:
    home.refresh(1)
    home.build(1, {"s": "abc"})
    home.refresh(2, seen="d", moved="be")
    home.build(2, {"s": "cde"})  # b goes by e's name now; that a is gone it would have seen
    assert home.changes("s") == ["1+a", "1+b", "1+c", "2-b", "2+d", "2+e"]


def test_where_the_refresh_before_was_not_noted_everybody_is_looked_at(home: Home) -> None:
    home.refresh(1)
    home.build(1, {"s": "abc", "t": "a"})
    home.refresh(2)
    home.refresh(3, seen="d")
    home.build(3, {"s": "cd", "t": "a"})
    assert home.changes("s") == ["1+a", "1+b", "1+c", "3-a", "3-b", "3+d"]


def test_a_segment_that_failed_in_the_refresh_before_is_looked_at_as_a_whole(home: Home) -> None:
    home.refresh(1)
    home.build(1, {"s": "ab", "t": "a"})
    home.refresh(2, moved="bc")
    home.build(2, {"s": "ab", "t": "a"}, failed=("s",))
    home.refresh(3)
    home.build(3, {"s": "ac", "t": "a"})
    assert home.changes("s") == ["1+a", "1+b", "3-b", "3+c"]


def test_the_same_instant_again_and_an_earlier_one_note_nothing(home: Home) -> None:
    home.build(2, {"s": "a"})
    again, earlier = home.build(2, {"s": "ab"}), home.build(1, {"s": "c"})
    assert (again.changes, earlier.changes) == (0, 0)
    assert home.changes("s") == ["2+a"]
    assert home.sizes("s") == [(2, 1)]


def test_a_segment_that_is_new_at_the_instant_of_the_last_build_is_noted_then(home: Home) -> None:
    home.build(2, {"s": "a"})
    home.build(2, {"s": "a", "fresh": "b"})
    assert home.changes("fresh") == ["2+b"]


def test_a_segment_that_failed_is_left_as_it_was_and_one_whose_file_is_gone_is_left_by_all_once(home: Home) -> None:
    home.build(1, {"s": "a", "gone": "a"})
    found = home.build(2, {"s": ""}, failed=("s",))
    home.build(3, {"s": "b"})
    assert found.failures == {"s": "It failed."}
    assert home.changes("s") == ["1+a", "3-a", "3+b"]
    assert home.sizes("s") == [(1, 1), (3, 1)]
    assert home.changes("gone") == ["1+a", "2-a"]
    assert home.sizes("gone") == [(1, 1), (2, 0)]


def test_whoever_a_merge_renamed_leaves_under_the_old_id_and_enters_under_the_new(home: Home) -> None:
    home.build(1, {"s": "b"})
    home.build(2, {"s": "a"})  # b turned out to be a
    assert home.changes("s") == ["1+b", "2-b", "2+a"]
