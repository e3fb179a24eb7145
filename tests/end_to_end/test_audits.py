"""Dirty data in a home of its own: each kind of fault is found, named and judged, and none stops the rest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from orchestration import dbt
from orchestration.settings import load_settings
from tests.building import land_and_build
from tests.conftest import AS_OF, ROOT, run_sincerely
from tests.querying import rows

CONTACTS = "contact_id,email,signed_up_at,updated_at,phone,first_name,last_name,birth_date,city\n"
CLEAN = 40

FAULTS = {
    "duplicates": {
        ("same_person_two_contacts", "d1", "d2"),
        ("contacts_alike", "a1", "a2"),
        ("same_order_twice", "twice-1", "twice-2"),
        ("same_event_twice", "w1", "w1"),
        ("same_event_twice", "w2", "w3"),
    },
    "inconsistencies": {
        ("implausible_birth_date", "born-late"),
        ("updated_before_sign_up", "updated-early"),
        ("order_total_differs", "wrong-total"),
        ("order_without_lines", "bare"),
        ("discount_exceeds_amount", "generous line 1"),
        ("negative_order_total", "generous"),
        ("order_before_sign_up", "early"),
        ("event_before_sign_up", "w4"),
        ("received_before_it_happened", "w5"),
        ("later_than_its_landing", "in-2099"),
    },
}


def clean_contacts(first: int, city: str = "Ghent", phones: int = CLEAN) -> str:
    numbers = range(first, first + CLEAN)
    phone = {n: f"+1555{n:07d}" for n in numbers if n < first + phones}
    return "".join(
        f"c{n},person.{n}@example.com,2017-01-01,,{phone.get(n, '')},First{n},Last{n},,{city}\n" for n in numbers
    )


def write(home: Path, path: str, text: str) -> None:
    target = home / "landing" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def write_dirty_world(home: Path) -> None:
    write(
        home,
        "crm/contacts/contacts.csv",
        CONTACTS
        + clean_contacts(0)
        + "d1,d1@example.com,2017-02-01,,+15559990000,Dora,One,,Ghent\n"
        + "d2,d2@example.com,2017-03-01,,+1 555 999 0000,Dora,Two,,Ghent\n"
        + "a1,grace@example.com,2017-02-01,,,Grace,Hopper,,Ghent\n"
        + "a2,grace@example.org,2017-03-01,,,GRACE,Hopper,,Bern\n"
        + "born-late,b@example.com,2017-02-01,,,Bo,Late,2017-06-01,Ghent\n"
        + "updated-early,u@example.com,2017-02-01,2017-01-01,,Up,Early,,Ghent\n",
    )
    orders = [(f"o{n}", f"c{n}", f"2017-11-{n % 28 + 1:02d}T10:00:00Z", "", "10.00") for n in range(CLEAN)]
    orders += [
        ("twice-1", "c1", "2017-12-01T10:00:00Z", "", ""),
        ("twice-2", "c1", "2017-12-01T10:00:40Z", "", ""),
        ("wrong-total", "c2", "2017-12-02T10:00:00Z", "", "12.50"),
        ("bare", "c3", "2017-12-02T10:00:00Z", "", ""),
        ("generous", "c4", "2017-12-02T10:00:00Z", "", ""),
        ("early", "c5", "2016-12-02T10:00:00Z", "", ""),
        ("in-2099", "c6", "2099-01-01T10:00:00Z", "", ""),
        # After as_of, before its landing: no fault, only not known yet.
        ("tomorrow", "c6", "2018-01-01T10:00:00Z", "", ""),
    ]
    write(
        home,
        "shop/orders/orders.csv",
        "order_id,customer_id,ordered_at,discount_amount,total_amount\n" + "".join(f"{','.join(o)}\n" for o in orders),
    )
    lines = [(order[0], "1", "p1", "1", "10.00", "") for order in orders if order[0] not in ("bare", "generous")]
    lines += [("generous", "1", "p1", "1", "10.00", "11.00")]
    write(
        home,
        "shop/order_lines/lines.csv",
        "order_id,line_number,product_id,quantity,unit_price_amount,discount_amount\n"
        + "".join(f"{','.join(line)}\n" for line in lines),
    )
    event = {"type": "page", "user_id": "c7"}
    events = [
        {"message_id": "w1", "timestamp": "2017-12-01T10:00:00Z"},
        {"message_id": "w1", "timestamp": "2017-12-01T10:00:05Z"},
        {"message_id": "w2", "timestamp": "2017-12-02T10:00:00Z"},
        {"message_id": "w3", "timestamp": "2017-12-02T10:00:00Z"},
        {"message_id": "w4", "timestamp": "2016-12-02T10:00:00Z"},
        {"message_id": "w5", "timestamp": "2017-12-03T10:00:00Z", "received_at": "2017-12-03T08:00:00Z"},
    ]
    write(home, "web/events/events.jsonl", "".join(json.dumps({**event, **each}) + "\n" for each in events))


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("dirty") / "home"
    write_dirty_world(home)
    land_and_build(home, datetime(2017, 12, 31), ["audits", "quarantine"])
    return home


@pytest.fixture(scope="module")
def worse(dirty: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A copy after a second landing, by the whole job, of contacts without any city and with few phones."""
    home = tmp_path_factory.mktemp("worse") / "home"
    shutil.copytree(dirty, home)
    write(home, "crm/contacts/more.csv", CONTACTS + clean_contacts(CLEAN, city="", phones=CLEAN // 2))
    return home, run_sincerely(home, "run", "--as-of", AS_OF)


def test_every_fault_is_found_and_nothing_else(dirty: Path) -> None:
    home = dirty
    assert set(rows(home, "select kind, first_key, later_key from quality.duplicates")) == FAULTS["duplicates"]
    assert set(rows(home, "select kind, key from quality.inconsistencies")) == FAULTS["inconsistencies"]
    assert rows(home, "select file, row_number from quality.inconsistencies where key = 'born-late'") == [
        ("crm/contacts/contacts.csv", CLEAN + 5)
    ]


def test_status_says_what_the_audits_found(dirty: Path) -> None:
    status = run_sincerely(dirty, "status").stdout
    assert "shop_orders: 1 of 48 orders have no line at all" in status
    assert "What got worse:\n  nothing" in status


def test_a_limit_makes_of_a_warning_a_failure(dirty: Path, tmp_path: Path) -> None:
    home = tmp_path / "warehouse.duckdb"
    home.write_bytes((dirty / "warehouse.duckdb").read_bytes())

    def build(limits: dict[str, dict[str, float | None]]) -> subprocess.CompletedProcess[str]:
        settings = load_settings({"SINCERELY_HOME": str(tmp_path)})
        variables = {"as_of": "2017-12-31 00:00:00", "segments": dbt.segments(), "audit_limits": limits}
        return subprocess.run(
            [
                dbt.executable(), "build", "--project-dir", "dbt_project", "--target-path", str(tmp_path / "target"),
                "--select", "audits", "--exclude-resource-type", "unit_test", "--vars", json.dumps(variables),
            ],
            env={**os.environ, **dbt.environment(settings)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip

    tolerant = build({"default": {"warn": 0, "fail": 0.5}})
    assert tolerant.returncode == 0, tolerant.stdout
    assert "Warning in test duplicates_below_warn_level" in tolerant.stdout
    strict = build({"default": {"warn": 0, "fail": 0.5}, "same_order_twice": {"fail": 0.02}})
    assert strict.returncode == 1
    assert "Failure in test duplicates_below_fail_level" in strict.stdout
    assert "Failure in test inconsistencies_below_fail_level" not in strict.stdout


@pytest.mark.long
def test_what_got_worse_is_named_with_both_shares(worse: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, _ = worse
    found = rows(home, "select measure, column_name, level from quality.regressions order by all")
    assert found == [
        ("completeness", "city", "fail"),
        ("completeness", "phone", "warn"),
    ]
    status = run_sincerely(home, "status").stdout
    assert (
        "crm_contacts, city filled in: 0.0 % of the 40 rows landed last, 100.0 % before"
        in status.partition("What got worse:")[2]
    )
    shares = rows(
        home,
        "select landing_number, rows_count, round(share, 3), is_newest from quality.data_quality "
        "where entity = 'crm_contacts' and column_name = 'phone' order by all",
    )
    assert shares == [(1, 46, round(42 / 46, 3), False), (2, 40, 0.5, True)]


@pytest.mark.long
def test_a_failed_audit_is_a_problem_of_the_run_and_stops_nothing(
    worse: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    home, done = worse
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "problem crm_contacts, city filled in: 0.0 %" in said
    assert "note shop_orders: 1 of 48 orders say another total than their lines come to" in said
    assert "Traceback" not in done.stdout + done.stderr
    assert rows(home, "select count(*) from core.profiles where email = 'person.79@example.com'") == [(1,)]
    report = (home / "reports" / "index.html").read_text()
    assert "city filled in" in report
    assert "@example" not in report.partition("<h2>Data quality</h2>")[2]
