"""The history of segments hangs on what builds observed, and on nothing else: not on how often they ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.segments.observing import observe
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse
from tests.building import build, land
from tests.world import write_world

FIRST = datetime(2017, 12, 1)
_HISTORY = "select * from core.{} order by all"


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.warehouse = Warehouse(load_settings({"SINCERELY_HOME": str(path)}).warehouse)

    def build(self, as_of: datetime) -> dict[str, list[dict[str, object]]]:
        """One build of the segments as of an instant, noted as the job notes it; returns both tables."""
        build(self.path, as_of, ["segment_memberships", "segment_transitions"])
        observe(self.warehouse, datetime.now(UTC))
        tables = ("segment_transitions", "segment_memberships")
        return {table: self.warehouse.rows(_HISTORY.format(table)) for table in tables}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    path = tmp_path_factory.mktemp("history")
    write_world(path / "landing", people=60)
    land(load_settings({"SINCERELY_HOME": str(path)}))
    return Home(path)


def test_a_rebuild_from_the_landed_rows_and_a_second_run_give_the_same_history(home: Home) -> None:
    second = FIRST + timedelta(days=20)
    before = home.build(FIRST)
    after = home.build(second)
    assert {row["changed_at"] for row in before["segment_transitions"]} == {FIRST}
    assert {row["changed_at"] for row in after["segment_transitions"]} == {FIRST, second}
    assert {row["change"] for row in after["segment_transitions"]} == {"entered", "exited"}
    assert {row["member_since"] for row in after["segment_memberships"]} == {FIRST, second}

    home.warehouse.forget_derived()
    assert home.build(second) == after
    assert home.build(FIRST) == before  # a look at the past, which notes nothing


def test_people_who_turn_out_to_be_one_keep_their_membership_under_the_older_id(home: Home) -> None:
    # Two who sleep are one who sleeps; two who are active may be one who is highly engaged.
    third = FIRST + timedelta(days=21)
    (pair,) = home.warehouse.rows(
        """
        select min(identifier) as one, max(identifier) as other
        from (
            select min(identifier) as identifier from core.identity_map
            inner join core.segment_memberships using (person_id)
            where segment = 'dormant_people' and identifier_type = 'contact_id' and member_since = ?
            group by person_id order by 1 limit 2
        )
        """,
        [FIRST],
    )
    ids = (
        "select distinct person_id from core.identity_map where identifier in (?, ?) and identifier_type = 'contact_id'"
    )
    before = {row["person_id"] for row in home.warehouse.rows(ids, [pair["one"], pair["other"]])}
    assert len(before) == 2
    merge = home.path / "landing/crm/contacts/merged.csv"
    merge.write_text(
        "contact_id,email,signed_up_at,phone\n"
        f"{pair['one']},both@example.com,2017-11-30,\n{pair['other']},both@example.com,2017-11-30,\n"
    )
    land(load_settings({"SINCERELY_HOME": str(home.path)}))

    home.build(third)

    (kept,) = {row["person_id"] for row in home.warehouse.rows(ids, [pair["one"], pair["other"]])}
    told = "select change, changed_at from core.segment_transitions where segment = 'dormant_people' and person_id = ?"
    assert home.warehouse.rows(told, [kept]) == [{"change": "entered", "changed_at": FIRST}]
    assert [home.warehouse.rows(told, [gone]) for gone in before - {kept}] == [[]]
    later = home.build(third + timedelta(hours=1))
    assert [row["change"] for row in later["segment_transitions"] if row["changed_at"] > third] == []
