"""The preview over a home in which the main job ran: whom it shows, what it keeps, and that it changes nothing else."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration import report
from orchestration.errors import SincerelyError
from orchestration.previewing import preview, seeds, versions
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaign
from rendering.decisions import slot_cases
from rendering.links import PREFERENCES, UNSUBSCRIBE, verify
from rendering.preview.gallery import Section
from tests.conftest import Sincerely
from tests.esp.sendgrid import API_KEY, OWN_TEMPLATE_ID, TEMPLATE_ID, sendgrid
from tests.esp.smtp import smtp
from tests.previewed import alter, campaigns_in, change, copy_of

Built = tuple[Path, subprocess.CompletedProcess[str]]
NAMES = ("loyalty_reward", "onboarding", "win_back")


def state(settings: Settings) -> Iterator[object]:
    """All that a preview might have changed and must not."""
    with sqlite3.connect(settings.home / "outbox.sqlite") as outbox:
        for table in ("messages", "batches"):
            yield outbox.execute(f"select * from {table} order by 1").fetchall()
    warehouse = Warehouse(settings.warehouse)
    yield warehouse.rows("select schema_name, table_name, estimated_size from duckdb_tables() order by all")
    yield warehouse.rows("select * from delivery.decisions order by all")
    yield sorted(path for path in settings.home.rglob("*") if "preview" not in path.parts and path.is_file())


@pytest.fixture(scope="module")
def settings(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return copy_of(built[0], tmp_path_factory.mktemp("preview") / "home")


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return campaigns_in(tmp_path_factory.mktemp("campaigns"), *NAMES)


@pytest.fixture(scope="module")
def before(settings: Settings) -> list[object]:
    return list(state(settings))


@pytest.fixture(scope="module")
def written(settings: Settings, campaigns: Path, before: list[object]) -> preview.Written:
    return preview.write(settings, campaigns=campaigns, against=versions.NONE)


@pytest.fixture(scope="module")
def sections(written: preview.Written) -> dict[str, Section]:
    return {section.name: section for section in written.sections}


def everybody(settings: Settings) -> set[str]:
    rows = Warehouse(settings.warehouse).rows("select person_id from core.profiles where can_email")
    return {row["person_id"] for row in rows}


def test_nothing_but_the_preview_is_there_afterwards(
    settings: Settings, before: list[object], written: preview.Written
) -> None:
    assert written.path.exists()
    assert list(state(settings)) == before


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_that_anybody_meets_is_shown(
    settings: Settings, campaigns: Path, sections: dict[str, Section], name: str
) -> None:
    cases = slot_cases(load_campaign(campaigns / name))
    listed = ", ".join(f"{case} as {slot}" for slot, case in cases.items())
    rows = Warehouse(settings.warehouse).rows(f"select {listed} from core.profiles as p where can_email")
    met = {(slot, rule) for row in rows for slot, rule in row.items()}
    shown = {
        (slot.name, rule.name)
        for message in sections[name].messages
        for slot in message.slots
        for rule in slot.rules
        if rule.state == "won"
    }
    assert met == shown


@pytest.mark.parametrize("name", NAMES)
def test_every_fallback_that_anybody_needs_is_shown(
    settings: Settings, campaigns: Path, sections: dict[str, Section], name: str
) -> None:
    tokens = [token for token in load_campaign(campaigns / name).tokens.values() if token.type != "list"]
    listed = ", ".join(f"coalesce(trim({token.name}::varchar), '') = '' as {token.name}" for token in tokens)
    rows = Warehouse(settings.warehouse).rows(f"select {listed} from core.profiles where can_email")
    needed = {(token, is_fallback) for row in rows for token, is_fallback in row.items()}
    shown = {(token.name, token.is_fallback) for message in sections[name].messages for token in message.tokens}
    assert needed == {(token, is_fallback) for token, is_fallback in shown if token != "recommendations"}


def test_tokens_that_are_made_of_other_fields_are_covered_by_those(settings: Settings, tmp_path: Path) -> None:
    campaigns = campaigns_in(tmp_path, "last_word")
    name = "first_name: {type: text, fallback: Dear customer}"
    made = ("location", "recent_purchase", "recommendation_name_6", "recommendation_name_99")
    more = "".join(f"\n  {each}: {{type: text, fallback: none}}" for each in made)
    change(campaigns, "last_word", name, name + more)
    (section,) = preview.write(settings, campaigns=campaigns).sections
    shown = {(token.name, token.is_fallback) for message in section.messages for token in message.tokens}
    counted = {(each.name, each.value == "fallback") for each in section.outcomes if each.kind == "token"}
    assert {each for each in shown if each[0] in made} == {each for each in counted if each[0] in made}
    assert ("location", False) in shown
    assert ("recommendation_name_99", False) not in shown


def test_who_is_not_in_the_audience_is_shown_only_for_what_nobody_in_it_does(sections: dict[str, Section]) -> None:
    for section in sections.values():
        counted = {f"{each.name}: {each.value}": each.people for each in section.outcomes}
        for person in section.people:
            if person.standing == "outside":
                assert person.shows
                assert [counted[outcome] for outcome in person.shows] == [0] * len(person.shows)
                assert person.reason
            else:
                assert person.standing in ("gets it", "waits", "held out")


def test_everybody_is_shown_with_every_variant_and_told_their_own(sections: dict[str, Section]) -> None:
    onboarding = sections["onboarding"]
    variants = {(message.person_id, message.variant) for message in onboarding.messages}
    assert variants == {(p.person_id, variant) for p in onboarding.people for variant in ("plain", "ten_dollars")}
    assert {person.variant for person in onboarding.people if person.standing == "gets it"} <= {"plain", "ten_dollars"}
    subjects = {m.variant: m.subject for m in onboarding.messages if m.person_id == onboarding.people[0].person_id}
    assert "$10 off" in subjects["ten_dollars"]
    assert "$10 off" not in subjects["plain"]


def test_who_asked_to_be_left_alone_is_never_chosen(settings: Settings, campaigns: Path) -> None:
    written = preview.write(settings, ["loyalty_reward"], campaigns=campaigns, people=preview.MOST_PEOPLE)
    chosen = {person.person_id for section in written.sections for person in section.people}
    assert chosen <= everybody(settings)
    assert len(chosen) > preview.DEFAULT_PEOPLE


def test_only_its_owner_can_read_it(settings: Settings, sections: dict[str, Section]) -> None:
    folder = settings.home / "preview"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}


def test_no_address_stands_in_it(settings: Settings, written: preview.Written) -> None:
    emails = Warehouse(settings.warehouse).rows("select email from core.profiles where email is not null")
    page = written.path.read_text(encoding="utf-8")
    assert not [row["email"] for row in emails if row["email"] in page]


def test_its_signed_links_are_of_no_message_that_anybody_gets(settings: Settings, sections: dict[str, Section]) -> None:
    promised = Warehouse(settings.warehouse).rows("select message_id from core.message_candidates")
    known = {row["message_id"] for row in promised}
    grants = set()
    for section in sections.values():
        for message in section.messages:
            for action, token in re.findall(r"/(unsubscribe|preferences)/([\w-]+)", message.html):
                kind = {"unsubscribe": UNSUBSCRIBE, "preferences": PREFERENCES}[action]
                grants.add(verify(settings.secret.encode(), kind, token).message_id)
    assert grants
    assert grants.isdisjoint(known)
    assert all(grant.startswith("preview-") for grant in grants)


def test_the_same_again_is_the_same_version(settings: Settings, campaigns: Path) -> None:
    first, second = (preview.write(settings, ["onboarding"], campaigns=campaigns, against="none") for _ in range(2))
    assert first.version == second.version
    assert [section.people for section in first.sections] == [section.people for section in second.sections]


def test_an_edit_is_held_against_the_version_before(built: Built, tmp_path: Path) -> None:
    settings = copy_of(built[0], tmp_path / "home")
    campaigns = campaigns_in(tmp_path / "campaigns", "last_word", "loyalty_reward")
    first = preview.write(settings, campaigns=campaigns, people=1)
    assert (first.against, first.changed) == (None, 0)
    change(campaigns, "loyalty_reward", "your reward for this month", "a thank-you")
    second = preview.write(settings, campaigns=campaigns, people=1)
    loyalty = next(section for section in second.sections if section.name == "loyalty_reward")
    assert (second.against, second.changed) == (first.version, len(loyalty.messages))
    assert "your reward for this month" in second.path.read_text(encoding="utf-8")
    # One campaign alone is held against a version that shows it otherwise; there is none.
    assert preview.write(settings, ["last_word"], campaigns=campaigns, people=1).against is None
    third = preview.write(settings, campaigns=campaigns, people=1, against=first.version[:5])
    assert (third.version, third.against) == (second.version, first.version)
    with pytest.raises(SincerelyError, match=f"--against zz: no version begins so; .*{first.version}"):
        preview.write(settings, campaigns=campaigns, against="zz")


def test_ten_versions_are_kept(tmp_path: Path) -> None:
    for number in range(13):
        message = {"campaign": "c", "variant": "v", "person_id": "p", "subject": str(number)}
        versions.keep(tmp_path, [message], "2018-01-01T00:00:00+00:00", "2018-01-01")
    kept = versions.kept(tmp_path)
    assert [version.number for version in kept] == list(range(13, 3, -1))
    assert [versions.messages(tmp_path, version)[0]["subject"] for version in kept[:2]] == ["12", "11"]
    assert len(list((tmp_path / "versions").iterdir())) == versions.KEPT_VERSIONS


def test_named_people_are_shown_in_every_campaign_with_their_standing(settings: Settings, campaigns: Path) -> None:
    (row,) = Warehouse(settings.warehouse).rows(
        "select any_value(email) as email, person_id from core.message_candidates "
        "where campaign = 'loyalty_reward' and exclusion_reason = 'no_consent' group by person_id limit 1"
    )
    alter(settings, "update core.profiles set first_name = 'Ada' where person_id = ?", row["person_id"])
    email = Warehouse(settings.warehouse).rows(
        "select email from core.profiles where person_id = ?", [row["person_id"]]
    )[0]["email"]
    written = preview.write(settings, campaigns=campaigns, addresses=[f" {email.upper()} "])
    people = {section.name: section.people for section in written.sections}
    assert {name: [each.person_id for each in shown] for name, shown in people.items()} == {
        name: [row["person_id"]] for name in NAMES
    }
    loyalty = people["loyalty_reward"][0]
    assert (loyalty.standing, loyalty.reason, loyalty.first_name) == ("outside", "no consent (offers)", "Ada")
    assert people["win_back"][0].reason == "not in the audience today"


def test_who_has_to_wait_stands_between_those_who_get_it_and_those_who_do_not(built: Built, tmp_path: Path) -> None:
    settings = copy_of(built[0], tmp_path / "home")
    capped = "set exclusion_reason = 'capped', is_deferred = true where campaign = 'loyalty_reward'"
    alter(settings, f"update core.message_candidates {capped}")
    (loyalty,) = preview.write(settings, ["loyalty_reward"]).sections
    assert loyalty.audience == 0
    standings = [person.standing for person in loyalty.people]
    assert "waits" in standings
    assert standings == sorted(standings, key=["waits", "held out", "outside"].index)
    assert {person.reason for person in loyalty.people if person.standing == "waits"} == {"capped"}


def test_an_address_of_nobody_is_not_repeated(settings: Settings, campaigns: Path) -> None:
    with pytest.raises(SincerelyError, match=r"the address of --person number 1; check") as raised:
        preview.write(settings, campaigns=campaigns, addresses=["nobody@example.com"])
    assert "nobody@" not in str(raised.value)


def test_a_campaign_that_cannot_be_read_stops_no_other(settings: Settings, tmp_path: Path) -> None:
    campaigns = campaigns_in(tmp_path, *NAMES)
    change(campaigns, "win_back", "priority: 60", "priority: high")
    change(campaigns, "onboarding", "{% include", "{% includ", "message.mjml.j2")
    change(campaigns, "loyalty_reward", "first_name: {type: text, fallback: Dear customer}", "first_name: {type: text}")
    written = preview.write(settings, campaigns=campaigns)
    told = {section["campaign"]: section for section in map(preview.told, written.sections)}
    assert "priority: expected a whole number" in told["win_back"]["problems"][0]
    assert "campaign.yml:" in told["win_back"]["problems"][0]
    assert "message.mjml.j2:" in told["onboarding"]["problems"][0]
    (sentence,) = told["loyalty_reward"]["not_rendered"]
    assert "messages cannot be rendered: first_name has no value; declare a fallback for it" in sentence
    assert told["loyalty_reward"]["messages"] >= preview.DEFAULT_PEOPLE


def test_without_tables_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SincerelyError, match="Nothing is built yet; run `sincerely run` first"):
        preview.write(load_settings({"SINCERELY_HOME": str(tmp_path)}))


def test_with_tables_of_an_earlier_version_it_says_what_to_do(tmp_path: Path) -> None:
    settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
    for table in ("core.message_candidates", "ml.recommendations"):
        Warehouse(settings.warehouse).replace(table, pa.table({"person_id": ["p1"]}))
    with pytest.raises(SincerelyError, match="of an earlier version; run `sincerely run` first"):
        preview.write(settings)


@pytest.mark.parametrize("people", [0, -1, preview.MOST_PEOPLE + 1])
def test_a_number_of_people_that_no_page_can_show_is_refused(settings: Settings, people: int) -> None:
    with pytest.raises(SincerelyError, match="shows from 1 to 500 people"):
        preview.write(settings, people=people)


def test_the_command_says_what_it_shows(settings: Settings, sincerely: Sincerely) -> None:
    done = sincerely(settings.home, "preview", "onboarding", "--json", "--people", "3")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["preview"] == str(settings.home / "preview" / "index.html")
    (onboarding,) = facts["campaigns"]
    assert (onboarding["campaign"], onboarding["problems"]) == ("onboarding", [])
    assert onboarding["messages"] == 2 * onboarding["people"]
    refused = sincerely(settings.home, "preview", "nothing")
    assert refused.returncode == 1
    assert "There is no campaign nothing; there are event_invitation, first_basket, " in refused.stderr


def test_tests_go_to_seed_addresses_alone_and_are_nobodys_message(built: Built, tmp_path: Path) -> None:
    from tests.conftest import run_sincerely

    settings = copy_of(built[0], tmp_path / "home")
    allowed = {"SINCERELY_SEED_ADDRESSES": "qa@example.org, Team@example.org"}
    refused = run_sincerely(settings.home, "preview", "onboarding", "--send-to", "x@example.com", **allowed)
    assert refused.returncode == 1
    assert "is not one of SINCERELY_SEED_ADDRESSES (2 are)" in refused.stderr
    assert "x@example.com" not in refused.stderr
    assert not (settings.home / "preview").exists()
    before = [each for each in state(settings) if isinstance(each, list)]
    arguments = ("preview", "onboarding", "--send-to", "team@example.org", "--send-to", "qa@example.org")
    done = run_sincerely(settings.home, *arguments, **allowed)
    assert "4 test messages handed over." in done.stdout, done.stderr
    folder = settings.outbox / "preview-tests" / "onboarding"
    sent = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    assert sorted(message["To"] for message in sent) == ["qa@example.org"] * 2 + ["team@example.org"] * 2
    assert all(message["Subject"].startswith("[Test] ") for message in sent)
    assert {message["Feedback-ID"] for message in sent} == {"preview-tests"}
    assert all(message["X-Sincerely-Message-Id"].startswith("preview-") for message in sent)
    assert all(message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" for message in sent)
    assert 'href="../preview/index.html"' in (settings.outbox / "index.html").read_text(encoding="utf-8")
    unchanged = [each for each in state(settings) if isinstance(each, list)]
    assert unchanged[:-1] == before[:-1]


def test_seed_addresses_are_counted_and_not_told(tmp_path: Path) -> None:
    environ = {"SINCERELY_HOME": str(tmp_path), "SINCERELY_SEED_ADDRESSES": "qa@example.org, Team@example.org"}
    settings = load_settings(environ)
    (shown,) = [each for each in settings.describe() if each.name == "SINCERELY_SEED_ADDRESSES"]
    assert (shown.value, shown.origin) == ("2 addresses", "environment")
    assert "example.org" not in repr(settings)
    assert seeds.checked(settings, ["QA@example.org"]) == ["QA@example.org"]


def test_the_report_leads_to_it(settings: Settings, written: preview.Written) -> None:
    assert written.path.exists()
    assert 'href="../preview/index.html"' in report.write(settings).read_text(encoding="utf-8")


def test_tests_go_through_whichever_esp_is_set(settings: Settings, written: preview.Written) -> None:
    previews = [each for each in written.previews if each.section.name == "onboarding"]
    with smtp() as server:
        over_smtp = replace(settings, esp="smtp", smtp_url=server.url())
        sent = seeds.send(over_smtp, previews, ["qa@example.org"])
        assert (sent, sum(server.accepted.values())) == (2, 2)
        messages = [message_from_bytes(content, policy=policy.default) for content in server.contents.values()]
        assert {message["To"] for message in messages} == {"qa@example.org"}
        assert all(message["Subject"].startswith("[Test] ") for message in messages)
        server.refuses.add("qa@example.org")
        with pytest.raises(SincerelyError, match="The ESP smtp did not take a test message"):
            seeds.send(over_smtp, previews, ["qa@example.org"])


def test_a_test_of_a_template_that_the_vendor_keeps_fills_that_in_and_elsewhere_is_our_own_message(
    settings: Settings, tmp_path: Path
) -> None:
    folder = campaigns_in(tmp_path, "onboarding")
    file = folder / "onboarding" / "campaign.yml"
    file.write_text(f"{file.read_text()}\ndynamic_template: {OWN_TEMPLATE_ID}\n")
    previews = preview.write(settings, ["onboarding"], people=2, campaigns=folder).previews
    assert all("<html" in payload.html for each in previews for payload in each.payloads)
    with sendgrid() as fake:
        by_sendgrid = replace(
            settings, esp="sendgrid", sendgrid_api_key=API_KEY, sendgrid_template_id=TEMPLATE_ID, sendgrid_url=fake.url
        )
        assert seeds.send(by_sendgrid, previews, ["qa@example.org"]) == len(fake.contents) > 0
        for given in fake.contents.values():
            assert given["template_id"] == OWN_TEMPLATE_ID
            assert given["subject"].startswith("[Test] ")
            assert "html" not in given
    with smtp() as server:
        seeds.send(replace(settings, esp="smtp", smtp_url=server.url()), previews, ["qa@example.org"])
        for content in server.contents.values():
            body = message_from_bytes(content, policy=policy.default).get_body(("html",))
            assert body is not None and "<html" in body.get_content()


def test_tests_show_the_people_who_are_named_and_else_each_campaigns_first(
    settings: Settings, campaigns: Path, written: preview.Written
) -> None:
    people = next(section.people for section in written.sections if section.name == "onboarding")
    alter(settings, "update core.profiles set first_name = 'Named' where person_id = ?", people[-1].person_id)
    (row,) = Warehouse(settings.warehouse).rows(
        "select email from core.profiles where person_id = ?", [people[-1].person_id]
    )
    named = preview.write(settings, ["onboarding"], [row["email"]], people=5, campaigns=campaigns)
    assert named.named == (people[-1].person_id,)
    with smtp() as server:
        over_smtp = replace(settings, esp="smtp", smtp_url=server.url())
        assert seeds.send(over_smtp, named.previews, ["qa@example.org"], named.named) == 2
        subjects = [message_from_bytes(each, policy=policy.default)["Subject"] for each in server.contents.values()]
        assert all("Named" in subject for subject in subjects)


def test_no_more_tests_go_at_once_than_anybody_would_read(settings: Settings, written: preview.Written) -> None:
    addresses = [f"qa.{number}@example.org" for number in range(seeds.MOST_TESTS)]
    with pytest.raises(SincerelyError, match="would be 200 test messages, and at most 50 go at once; name a campaign"):
        seeds.send(settings, written.previews, addresses)
    assert not (settings.outbox / "preview-tests").exists()
