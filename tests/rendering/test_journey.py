from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from rendering.errors import CampaignError
from rendering.journey import Journey, journey_files, load_journey
from rendering.journey_lint import Names, lint_journey

JOURNEY = """\
title: Small
entry: {stage_entered: lapsed}
reentry: {after: 90 days}
goal: bought
exit: [goal_reached, {segment_left: quiet}]
steps:
  - step: first
    wait: 0 hours
    campaign: hello
    when: [{in_segment: quiet}, has_not_bought]
  - step: second
    wait: 3 days
    campaign: hello
    otherwise: exit
    at_most_late: 12 hours
"""
NAMES = Names({"hello": "journey"}, {"quiet", "women"}, {"lapsed", "prospect"}, {"women"})

Write = Callable[[str], Journey]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str = JOURNEY, name: str = "small.yml") -> Journey:
        (tmp_path / name).write_text(text)
        return load_journey(tmp_path / name)

    return write


def test_a_journey_is_read_with_its_defaults(write: Write) -> None:
    journey = write(JOURNEY)
    first, second = journey.steps
    assert (first.wait, first.at_most_late, first.otherwise) == (timedelta(0), timedelta(days=3), "skip")
    assert [condition.words for condition in first.conditions] == ["in_segment quiet", "has_not_bought"]
    assert [condition.is_negated for condition in first.conditions] == [False, True]
    assert (second.wait, second.at_most_late, second.otherwise) == (timedelta(days=3), timedelta(hours=12), "exit")
    assert (journey.reentry, journey.starts) == (timedelta(days=90), None)


def test_a_person_stays_in_a_journey_until_no_step_can_be_sent_any_more(write: Write) -> None:
    assert write(JOURNEY).stays == timedelta(hours=12)
    slow_first = JOURNEY.replace("wait: 0 hours\n", "wait: 0 hours\n    at_most_late: 2 weeks\n")
    assert write(slow_first).stays == timedelta(days=11)


@pytest.mark.parametrize("file", journey_files(), ids=lambda file: file.stem)
def test_the_shipped_journeys_load(file: Path) -> None:
    assert load_journey(file).steps


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("title: Small\n", "", 1, "the field title is missing"),
        ("goal: bought", "gaol: bought", 1, "Did you mean gaol?"),
        ("goal: bought", "goal: bougth", 4, "Did you mean bought?"),
        ("title: Small", "title: Small\nstays: 1 hour", 2, "at least 12 hours"),
        ("title: Small", "title: Small\nstarts: soon", 2, "a day like 2018-01-31"),
        ("{stage_entered: lapsed}", "{stage_enterd: lapsed}", 2, "Did you mean stage_entered?"),
        ("{stage_entered: lapsed}", "stage_entered", 2, "{stage_entered: NAME}"),
        ("{stage_entered: lapsed}", "suppressed", 2, "is not one of"),
        ("{after: 90 days}", "{after: 90}", 3, "90 is no duration"),
        ("{after: 90 days}", "{after: ninety days}", 3, "12 hours, 3 days"),
        ("{after: 90 days}", "sometimes", 3, "never, always"),
        ("has_not_bought]", "{has_not_bought: it}]", 10, "takes no name"),
        ("has_not_bought]", "{has_done: it, has_bought: it}]", 10, "a line of its own"),
        ("in_segment: quiet", "in_segmnt: quiet", 10, "Did you mean in_segment?"),
        ("step: second", "step: first", 11, "stands twice"),
        ("step: second", f"step: {'s' * 36}", 11, "40 are the most"),
        ("wait: 3 days", "wait: 0 days", 12, "at least 1 hour"),
        ("otherwise: exit", "otherwise: stop", 14, "skip, exit"),
        ("at_most_late: 12 hours", "at_most_lat: 12 hours", 15, "Did you mean at_most_late?"),
    ],
)
def test_an_error_names_the_file_the_line_and_the_remedy(
    write: Write, was: str, becomes: str, line: int, says: str
) -> None:
    with pytest.raises(CampaignError) as caught:
        write(JOURNEY.replace(was, becomes, 1))

    assert caught.value.file.name == "small.yml"
    assert says in str(caught.value)
    assert caught.value.line == line


def test_a_file_must_be_named_as_sql_and_messages_can_carry_it(write: Callable[..., Journey]) -> None:
    with pytest.raises(CampaignError, match="must be lower case"):
        write(JOURNEY, "Upper-case.yml")


def test_a_sound_journey_has_no_findings(write: Write) -> None:
    assert lint_journey(write(JOURNEY), NAMES) == []


@pytest.mark.parametrize(
    ("was", "becomes", "line", "severity", "says"),
    [
        ("campaign: hello", "campaign: helo", 7, "error", "there is no campaign helo; write it. Did you mean hello?"),
        ("segment_left: quiet", "segment_left: quite", 5, "error", "there is no segment quite. Did you mean quiet?"),
        ("in_segment: quiet", "in_segment: loud", 10, "error", "there is no segment loud"),
        ("in_segment: quiet", "in_segment: women", 10, "error", "women is tagged not_for_mailing"),
        ("stage_entered: lapsed", "stage_entered: laps", 2, "warning", "nobody is ever in a stage laps"),
    ],
)
def test_a_name_that_leads_nowhere_is_found_with_its_line(
    write: Write, was: str, becomes: str, line: int, severity: str, says: str
) -> None:
    (finding,) = lint_journey(write(JOURNEY.replace(was, becomes, 1)), NAMES)
    assert (finding.line, finding.severity) == (line, severity)
    assert says in finding.message


def test_a_campaign_with_an_audience_of_its_own_is_pointed_out(write: Write) -> None:
    findings = lint_journey(write(JOURNEY), Names({"hello": "once"}, {"quiet"}, ()))
    assert {finding.severity for finding in findings} == {"warning"}
    assert all("has an audience too" in finding.message for finding in findings)
