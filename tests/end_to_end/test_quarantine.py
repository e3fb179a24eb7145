"""A bad row is seen, its file corrected, and landed again, as a person does it; columns that change are told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from orchestration.settings import load_settings
from tests.building import LANDED_AT, land, land_and_build
from tests.conftest import Sincerely

CONTACTS = "contact_id,email,signed_up_at,birth_date\n"


def write(home: Path, name: str, content: str) -> None:
    path = home / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def test_rows_in_quarantine_are_listed_shown_corrected_and_landed_again(tmp_path: Path, sincerely: Sincerely) -> None:
    bad = [
        "1,a@example.com,2017-01-01,1990-05-01\n",
        "2,nowhere,2017-01-01,\n",
        "3,c@example.com,yesterday,\n",
        ",d@example.com,2017-01-01,\n",
        "5,e@example.com,2017-01-01,1990-02-30\n",
        "6,f@example.com\n",
    ]
    write(tmp_path, "crm/contacts/contacts.csv", CONTACTS + "".join(bad))
    write(
        tmp_path,
        "shop/order_lines/lines.csv",
        "order_id,line_number,product_id,quantity,unit_price_amount\no1,1,p1,1,2.50\no2,1,p1,1,-2.50\no1,2,p1,1,NaN\n",
    )
    write(tmp_path, "shop/orders/orders.csv", "order_id,customer_id,ordered_at\no2,1,2017-02-01\n")
    write(tmp_path, "crm/consents/c.csv", "contact_id,purpose,action,occurred_at\n9,offers,withdrawn,2017-03-01\n")
    land_and_build(tmp_path, datetime(2017, 12, 31), ["quarantine", "load_reconciliation"], is_tested=True)

    listed = json.loads(sincerely(tmp_path, "quarantine", "list", "--json").stdout)
    assert {(row["file"], row["first_row"], row["reason"]) for row in listed} == {
        ("crm/contacts/contacts.csv", 2, "email is no address"),
        ("crm/contacts/contacts.csv", 3, "signed_up_at is no ISO 8601 time"),
        ("crm/contacts/contacts.csv", 4, "contact_id is missing"),
        ("crm/contacts/contacts.csv", 5, "birth_date is no ISO 8601 date"),
        ("crm/contacts/contacts.csv", 6, "has fewer fields than the header"),
        ("shop/order_lines/lines.csv", 1, "order_id refers to no order that landed"),
        ("shop/order_lines/lines.csv", 2, "unit_price_amount is negative"),
        ("crm/consents/c.csv", 1, "contact_id refers to nobody who landed"),
    }
    shown = sincerely(tmp_path, "quarantine", "show", "crm/contacts/contacts.csv", "--row", "3").stdout
    assert "row 3: signed_up_at is no ISO 8601 time" in shown
    assert '"signed_up_at":"yesterday"' in shown.replace(" ", "")

    # Nothing was corrected yet: it says so, and which file to correct.
    refused = sincerely(tmp_path, "quarantine", "retry", "crm/contacts/contacts.csv")
    assert refused.returncode == 1
    assert "is as it was landed, with 5 rows in quarantine" in refused.stdout

    # What was refused for want of a parent leaves with the parent's coming.
    write(tmp_path, "shop/orders/more.csv", "order_id,customer_id,ordered_at\no1,9,2017-02-01\n")
    bad[1], bad[2] = "2,b@example.com,2017-01-01,\n", "3,c@example.com,2017-01-02,\n"
    write(tmp_path, "crm/contacts/contacts.csv", CONTACTS + "".join(bad))
    retried = sincerely(tmp_path, "quarantine", "retry", "crm/contacts/contacts.csv")
    assert retried.returncode == 1, retried.stdout + retried.stderr
    assert "5 rows were in quarantine, 3 are now" in retried.stdout
    left = json.loads(sincerely(tmp_path, "quarantine", "list", "--json").stdout)
    assert {row["file"] for row in left} == {"crm/contacts/contacts.csv", "shop/order_lines/lines.csv"}
    assert sum(row["rows_count"] for row in left) == 5


def test_status_tells_the_columns_that_changed_since_the_last_load(tmp_path: Path, sincerely: Sincerely) -> None:
    write(tmp_path, "crm/contacts/2017-01.csv", "contact_id,email,signed_up_at,city\n1,a@example.com,2017-01-01,Rome\n")
    land(load_settings({"SINCERELY_HOME": str(tmp_path)}))
    assert "Columns that changed since the last load:\n  nothing" in sincerely(tmp_path, "status").stdout
    write(tmp_path, "crm/contacts/2017-02.csv", "contact_id,email,signed_up_at,shoe\n2,b@example.com,2017-01-02,44\n")
    write(tmp_path, "crm/contacts/2017-03.csv", "contact_id,email,shoe\n2,b@example.com,44\n")
    land(load_settings({"SINCERELY_HOME": str(tmp_path)}), LANDED_AT + timedelta(days=1))
    status = sincerely(tmp_path, "status").stdout
    assert "crm/contacts/2017-02.csv: shoe is new (integer)" in status
    assert "crm/contacts/2017-02.csv: city is gone (was text)" in status
    assert "2017-03.csv lacks the required column signed_up_at" in status


def test_a_file_without_anything_in_quarantine_is_named_in_one_line(tmp_path: Path, sincerely: Sincerely) -> None:
    assert "Nothing is in quarantine." in sincerely(tmp_path, "quarantine", "list").stdout
    for command in ("show", "retry"):
        done = sincerely(tmp_path, "quarantine", command, "crm/contacts/none.csv")
        assert done.returncode == 1
        (line,) = done.stderr.strip().splitlines()
        assert "crm/contacts/none.csv has nothing in quarantine" in line
