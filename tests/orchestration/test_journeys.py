"""Journeys from their files to tables, messages, commands and the report."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.delivery import planner, sender
from orchestration.delivery.outbox import Outbox
from orchestration.errors import SincerelyError
from orchestration.journeys import linting
from orchestration.journeys.funnel import funnel_named
from orchestration.journeys.picture import picture
from orchestration.journeys.tables import NAMES, journey_tables
from orchestration.landing import files
from orchestration.settings import CAMPAIGNS, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaigns
from rendering.journey import JOURNEYS
from rendering.links import Site
from tests.building import build, land
from tests.conftest import SECRET, Sincerely
from tests.journeys.years import write_journeys
from tests.querying import rows

Built = tuple[Path, subprocess.CompletedProcess[str]]
# Two days after somebody of the small shop signed up, and the next run, which finds the outbox as this one left it.
STEP_AT, NEXT_AT = datetime(2017, 11, 20, tzinfo=UTC), datetime(2017, 11, 20, 6, tzinfo=UTC)
_NO_RECOMMENDATIONS = """
create table if not exists ml.recommendations (
    person_id varchar, list varchar, rank bigint, product_id varchar, score double, reason varchar,
    model_version varchar
)
"""


def test_without_a_journey_the_tables_are_there_and_empty() -> None:
    assert {name: table.num_rows for name, table in journey_tables([]).items()} == dict.fromkeys(NAMES, 0)


def test_a_journeys_file_is_rows(tmp_path: Path) -> None:
    tables = journey_tables(write_journeys(tmp_path))
    reentries = [(row["reentry"], row["reentry_seconds"]) for row in tables["journeys"].to_pylist()]
    assert reentries == [("never", None), ("always", 0), ("after", 20 * 86_400)]
    exits = [
        (row["kind"], row["value"], row["reason"])
        for row in tables["journey_rules"].to_pylist()
        if (row["journey"], row["role"]) == ("again", "exit")
    ]
    assert exits == [
        ("segment_entered", "engaged", "goal_reached"), ("event", "complained", "event"),
        ("stage_left", "lapsed", "stage_left"),
    ]  # fmt: skip
    (condition, *_) = [row for row in tables["journey_conditions"].to_pylist() if row["step"] == "nudge"]
    assert (condition["kind"], condition["value"], condition["is_negated"]) == ("bought", "", True)


def test_a_journey_that_names_what_there_is_not_is_held_and_the_others_are_not(tmp_path: Path) -> None:
    for file in JOURNEYS.glob("*.yml"):
        shutil.copy(file, tmp_path)
    broken = (tmp_path / "win_back.yml").read_text().replace("lapsed_at_risk", "lapsed_at_rsk")
    (tmp_path / "win_back.yml").write_text(broken)
    (tmp_path / "post_purchase.yml").write_text("title: [")
    may_send, held = linting.sound(tmp_path)
    assert [journey.name for journey in may_send] == ["onboarding"]
    assert "Did you mean lapsed_at_risk?" in held["win_back"]
    assert re.search(r"post_purchase.yml:\d+: ", held["post_purchase"])


def test_a_stage_that_the_rules_in_force_do_not_know_is_pointed_out(tmp_path: Path) -> None:
    text = (JOURNEYS / "win_back.yml").read_text().replace("stage_entered: lapsed", "stage_entered: laspd")
    (tmp_path / "win_back.yml").write_text(text)
    (finding,) = [each for each in linting.findings(tmp_path) if each.file.parent == tmp_path]
    assert (finding.severity, finding.line) == ("warning", 3)
    assert "Did you mean lapsed?" in finding.message


def test_the_shipped_journeys_have_nothing_to_mend() -> None:
    assert linting.findings() == []


@pytest.fixture(scope="module")
def travelled(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which messages were planned and sent while people were in journeys, and that was built again later."""
    home = tmp_path_factory.mktemp("travelled") / "home"
    shutil.copytree(world, home)
    settings = load_settings({"SINCERELY_HOME": str(home), "SINCERELY_SECRET": SECRET})
    warehouse, outbox = Warehouse(settings.warehouse), Outbox(settings.outbox_url)
    campaigns, (journeys, _) = load_campaigns(CAMPAIGNS), linting.sound()
    land(settings)
    files.land_outbox(warehouse, outbox, "raw.outbox_handovers")
    for name, table in journey_tables(journeys).items():
        warehouse.replace(f"raw.{name}", table)
    for name, table in zip(
        ("campaigns", "campaign_variants"), planner.campaign_tables(campaigns, STEP_AT), strict=True
    ):
        warehouse.replace(f"raw.{name}", table)
    build(home, STEP_AT, ["message_candidates", "profiles", "products"])
    with warehouse.transaction() as connection:
        connection.execute(_NO_RECOMMENDATIONS)
    for campaign in campaigns:
        planner.plan(warehouse, outbox, campaign, Site(settings.base_url, SECRET.encode()), STEP_AT)
    sender.send(outbox, sender.esp_for(settings), STEP_AT)
    files.land_outbox(warehouse, outbox, "raw.outbox_handovers")
    build(home, NEXT_AT, ["journey_funnel", "journey_positions", "exclusions", "messages", "decisions"])
    return home


def test_a_due_step_is_a_message_once(travelled: Path) -> None:
    sent = rows(
        travelled,
        "select message_id, step, decided_at from core.journey_steps_taken where state = 'sent' order by all",
    )
    assert sent
    assert {str(at) for _, _, at in sent} == {"2017-11-20 00:00:00"}
    settings = load_settings({"SINCERELY_HOME": str(travelled), "SINCERELY_SECRET": SECRET})
    known = Outbox(settings.outbox_url).known([str(message_id) for message_id, _, _ in sent])
    assert known == {message_id for message_id, _, _ in sent}
    assert len(list(travelled.glob("outbox/*/*:*/*.eml"))) == len(sent)


def test_the_funnel_says_what_this_run_handed_over(travelled: Path) -> None:
    counted = rows(travelled, "select cast(sum(sent_count) as int) from core.journey_funnel")
    in_outbox = rows(
        travelled, "select count(*) from delivery.messages where occurrence like '%:%:%' and state = 'accepted'"
    )
    assert counted == in_outbox


def test_a_held_out_person_moves_on_and_is_marked(travelled: Path) -> None:
    wrong = rows(
        travelled,
        "select * from core.journey_steps_taken inner join delivery.messages using (message_id) "
        "where messages.state = 'held_out' and journey_steps_taken.state <> 'skipped'",
    )
    assert wrong == []


def test_journeys_are_listed_and_shown(built: Built, sincerely: Sincerely) -> None:
    home, _ = built
    listed = sincerely(home, "journey", "list")
    assert listed.returncode == 0, listed.stderr
    assert all(name in listed.stdout for name in ("onboarding", "post_purchase", "win_back"))
    shown = sincerely(home, "journey", "show", "onboarding")
    assert "how_it_works" in shown.stdout
    assert "reached the goal: bought" in shown.stdout
    facts = json.loads(sincerely(home, "journey", "show", "onboarding", "--json").stdout)
    assert [step["step"] for step in facts["steps"]] == ["how_it_works", "first_basket"]
    missing = sincerely(home, "journey", "show", "onbording")
    assert missing.returncode == 1
    assert "Did you mean onboarding?" in missing.stderr


def test_why_names_the_step_and_the_journey(travelled: Path, sincerely: Sincerely) -> None:
    ((email, step, journey),) = rows(
        travelled,
        "select min_by(email, message_id), min_by(step, message_id), min_by(journey, message_id) "
        "from core.journey_steps_taken inner join core.contactability using (person_id) where state = 'sent'",
    )
    assert f"they came to step {step} of the journey {journey}" in sincerely(travelled, "why", str(email)).stdout


def test_the_report_has_a_picture_of_each_journey(built: Built) -> None:
    page = (built[0] / "reports" / "index.html").read_text()
    pictures = re.findall(r'<svg viewBox="0 0 640 \d+" role="img" aria-label="([^"]+)">', page)
    assert len(pictures) == 3
    assert "From sign-up to the first basket" in pictures[0]


def test_a_journey_that_is_not_there_is_answered_with_those_that_are(travelled: Path) -> None:
    warehouse = Warehouse(travelled / "warehouse.duckdb")
    assert "● entered" in picture(funnel_named(warehouse, "win_back"))
    with pytest.raises(SincerelyError, match="there are onboarding, post_purchase, win_back"):
        funnel_named(warehouse, "nowhere")
    with pytest.raises(SincerelyError, match="No journey is built yet"):
        funnel_named(Warehouse(travelled / "elsewhere.duckdb"), "nowhere")
