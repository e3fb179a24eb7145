"""The people of a preview show everything that anybody would see, and rather those who get the message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestration.previewing.covering import GETS_IT, HELD_OUT, OUTSIDE, STANDINGS, Group, Outcome, counts, cover

REGULAR, NEW_YORK, NAMELESS = (Outcome("slot", "hero", name) for name in ("regular", "new_york", "nameless"))


def group(standing: str, people: int, *outcomes: Outcome, ids: tuple[str, ...] = ()) -> Group:
    return Group(standing, frozenset(outcomes), people, ids or (f"{standing}-{people}",))


def test_few_people_show_all_that_happens() -> None:
    groups = [group(GETS_IT, 9, REGULAR), group(GETS_IT, 2, NEW_YORK), group(GETS_IT, 1, REGULAR, NEW_YORK)]
    (only,) = cover(groups, least=1)
    assert (only.person_id, only.shows) == ("gets it-1", (NEW_YORK, REGULAR))


def test_who_gets_it_comes_before_who_is_held_out_and_they_before_everybody_else() -> None:
    groups = [
        group(OUTSIDE, 500, REGULAR, NEW_YORK, NAMELESS),
        group(HELD_OUT, 3, REGULAR, NEW_YORK),
        group(GETS_IT, 5, REGULAR),
    ]
    assert [(each.standing, each.shows) for each in cover(groups, least=1)] == [
        (GETS_IT, (REGULAR,)),
        (HELD_OUT, (NEW_YORK,)),
        (OUTSIDE, (NAMELESS,)),
    ]


def test_it_is_filled_up_from_the_largest_groups_in_turns_with_those_who_get_it() -> None:
    groups = [
        group(GETS_IT, 9, REGULAR, ids=("a1", "a2", "a3")),
        group(GETS_IT, 4, REGULAR, NEW_YORK, ids=("b1", "b2")),
        group(OUTSIDE, 99, NAMELESS, ids=("c1", "c2", "c3", "c4")),
    ]
    assert [each.person_id for each in cover(groups, least=5)] == ["b1", "c1", "a1", "a2", "b2"]
    assert [each.person_id for each in cover(groups, least=50)] == ["b1", "c1", "a1", "a2", "b2", "a3"]
    assert [each.person_id for each in cover(groups, least=1)] == ["b1", "c1"]
    assert cover([], least=3) == []


def test_only_those_who_get_the_message_are_counted() -> None:
    groups = [group(GETS_IT, 9, REGULAR), group(GETS_IT, 2, REGULAR, NEW_YORK), group(OUTSIDE, 50, NAMELESS, REGULAR)]
    assert counts(groups) == {REGULAR: 11, NEW_YORK: 2, NAMELESS: 0}


OUTCOMES = st.frozensets(st.integers(0, 9).map(lambda n: Outcome("slot", "s", str(n))))
GROUPS = st.lists(st.tuples(st.sampled_from(STANDINGS), OUTCOMES, st.integers(1, 9)), max_size=12)


@given(GROUPS, st.integers(1, 9))
def test_nobody_is_shown_twice_and_nothing_that_anybody_has_is_missing(
    drawn: list[tuple[str, frozenset[Outcome], int]], least: int
) -> None:
    groups = [
        Group(standing, outcomes, people, tuple(f"{number}-{one}" for one in range(people)))
        for number, (standing, outcomes, people) in enumerate(drawn)
    ]
    chosen = cover(groups, least)
    ids = [each.person_id for each in chosen]
    of = {person_id: group for group in groups for person_id in group.person_ids}
    assert len(set(ids)) == len(ids)
    assert {o for each in ids for o in of[each].outcomes} == {o for group in groups for o in group.outcomes}
    mailed = sum(group.people for group in groups if group.standing == GETS_IT)
    assert len(ids) >= min(least, mailed)
    for each in chosen:
        if each.standing == OUTSIDE:
            inside = {o for group in groups if group.standing != OUTSIDE for o in group.outcomes}
            assert set(each.shows).isdisjoint(inside)
