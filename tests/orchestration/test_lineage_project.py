"""Which collected attributes nobody uses in the real project, built over the small shop with a file that knows more."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import sqlglot
from sqlglot import exp

from orchestration import dbt, report, status
from orchestration.landing import files
from orchestration.landing.contract import ENTITIES
from orchestration.lineage import attributes
from orchestration.lineage.project import Lineage, lineage, relation_of
from orchestration.lineage.readers import all_readers
from orchestration.settings import CAMPAIGNS, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaigns
from tests.conftest import SECRET

RAW = "raw.crm_contacts"
Built = tuple[Path, subprocess.CompletedProcess[str]]
CONTACTS = next(entity for entity in ENTITIES if entity.label == "crm/contacts")


@pytest.fixture(scope="module")
def home(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    original, done = built
    assert done.returncode == 0, done.stdout + done.stderr
    home = tmp_path_factory.mktemp("lineage") / "home"
    shutil.copytree(original, home)
    lines = [
        {"contact_id": "c1", "email": "person.1@example.com", "signed_up_at": "2017-02-01", "gender": "f",
         "last_name": "Rossi", "city": "Rome", "loyalty_tier": "gold", "empty": " "},
        {"contact_id": "c2", "email": "person.2@example.com", "signed_up_at": "2017-02-02", "gender": "",
         "loyalty_tier": "none", "empty": None},
    ]  # fmt: skip
    (home / "landing/crm/contacts/more.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    files.land(Warehouse(home / "warehouse.duckdb"), home / "landing", CONTACTS, datetime(2017, 12, 31, tzinfo=UTC))
    return home


def followed(home: Path, campaigns: Path) -> Lineage:
    settings = load_settings({"SINCERELY_HOME": str(home), "SINCERELY_SECRET": SECRET})
    manifest = json.loads(dbt.manifest(settings).read_text(encoding="utf-8"))
    tables = attributes.source_tables(Warehouse(settings.warehouse), manifest)
    return lineage(manifest, dbt.compiled(settings, manifest), tables, all_readers(load_campaigns(campaigns)))


def test_every_query_of_the_real_project_is_understood(home: Path) -> None:
    assert followed(home, CAMPAIGNS).unread == {}


def test_the_real_project_uses_what_it_decides_and_prints_with(home: Path) -> None:
    found = followed(home, CAMPAIGNS)
    used = {name: {(use.used_by, use.how) for use in found.trace(RAW, name).uses} for name in CONTACTS.columns}
    assert ("core.local_repeat_buyers", "filter") in used["city"]
    assert ("campaign onboarding", "rule new_york of hero") in used["city"]
    assert ("campaign onboarding", "token first_name") in used["first_name"]
    assert ("campaign win_back", "writing of values") in used["timezone"]
    assert used["email"] and used["phone"] and used["signed_up_at"]
    assert not used["last_name"] and not used["signup_source"]
    assert used["gender"] == {("core.women", "filter")}
    products = {use.used_by for use in found.trace("raw.shop_products", "image_url").uses}
    assert {"campaign loyalty_reward", "campaign win_back"} <= products
    assert {name.partition(" ")[0] for name in products} == {"campaign"}
    quantity = {(use.used_by, use.how) for use in found.trace("raw.shop_order_lines", "quantity").uses}
    assert ("ml.recommendation_acts", "expression") in quantity
    assert ("ml.churn_product_firsts", "filter") in quantity
    version = {(use.used_by, use.how) for use in found.trace("raw.crm_consents", "text_version").uses}
    kept = "kept for proof of consent"
    assert version == {("core.consents.text_version", kept), ("core.consent_decisions.text_version", kept)}


def test_a_token_more_in_a_campaign_makes_its_column_used(home: Path, tmp_path: Path) -> None:
    campaigns = tmp_path / "rendering" / "campaigns"
    shutil.copytree(CAMPAIGNS.parent, tmp_path / "rendering")
    file = campaigns / "win_back" / "campaign.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("tokens:\n", "tokens:\n  last_name: {type: text, fallback: friend}\n"), "utf-8")
    rule = "    - {rule: birthday, when: \"birth_date < date '1960-01-01'\", block: hero_recent}\n"
    file.write_text(file.read_text(encoding="utf-8").replace("  hero:\n", "  hero:\n" + rule), "utf-8")

    found = followed(home, campaigns)

    last_name, birth_date = (found.trace(RAW, column).uses for column in ("last_name", "birth_date"))
    assert [(use.used_by, use.how) for use in last_name] == [("campaign win_back", "token last_name")]
    assert ("campaign win_back", "rule birthday of hero") in {(use.used_by, use.how) for use in birth_date}
    assert "campaign win_back" not in {use.used_by for use in found.trace(RAW, "gender").uses}


def test_the_asset_writes_the_tables_and_report_and_status_say_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINCERELY_HOME", str(home))
    monkeypatch.setenv("SINCERELY_SECRET", SECRET)
    from orchestration.defs import quality
    from orchestration.defs.resources import Home

    result = dg.materialize([quality.unused_attributes], resources={"home": Home(as_of="2017-12-31T00:00:00Z")})

    assert result.success and all(check.passed for check in result.get_asset_check_evaluations())
    settings = load_settings()
    warehouse = Warehouse(settings.warehouse)
    rows = {row["attribute"]: row for row in warehouse.rows("select * from quality.unused_attributes")}
    assert set(rows) == {"last_name", "loyalty_tier"}
    assert rows["last_name"]["rows_filled"] == 1
    assert rows["loyalty_tier"]["rows_filled"] == 2
    assert rows["last_name"]["pii"] == "name"
    assert rows["last_name"]["carried_to"] == "core.contacts.last_name, core.profiles.last_name"
    assert rows["loyalty_tier"]["carried_to"] == "core.contacts.attributes, core.profiles.attributes"
    used = warehouse.rows("select distinct attribute from quality.attribute_uses where entity = 'contacts'")
    assert {"email", "city", "signed_up_at"} <= {row["attribute"] for row in used}
    assert status.collect(settings)["collected_and_used_by_nobody"] == [
        "2 attributes; `quality.unused_attributes` says why:", "crm/contacts: last_name, loyalty_tier",
    ]  # fmt: skip
    page = report.write(settings).read_text(encoding="utf-8")
    assert "loyalty_tier" in page.partition("Collected, and used by nobody")[2]


def test_whatever_reads_dbts_tables_is_known_to_say_what_it_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an attribute could look unused that an asset written in Python needs: add a reader, or an exposure."""
    monkeypatch.setenv("SINCERELY_HOME", str(tmp_path))
    from orchestration.definitions import definitions

    manifest = json.loads(dbt.manifest(load_settings()).read_text(encoding="utf-8"))
    nodes = {unique_id: relation_of(node) for unique_id, node in manifest["nodes"].items() if "schema" in node}
    watched = {
        relation_of(node) for node in manifest["nodes"].values()
        if node["config"].get("meta", {}).get("columns_are") == "watched"
    }  # fmt: skip
    told = {nodes[each] for exposure in manifest["exposures"].values() for each in exposure["depends_on"]["nodes"]}
    for reader in all_readers(load_campaigns(CAMPAIGNS)):
        tables = sqlglot.parse_one(reader.sql, dialect="duckdb").find_all(exp.Table)
        told |= {f"{table.db}.{table.name}" for table in tables}
    graph = definitions.resolve_asset_graph()
    untold = {
        f"{key.to_user_string()} reads {'.'.join(parent.path)}"
        for key in graph.get_all_asset_keys()
        if "dbt" not in graph.get(key).kinds and key.path[0] != "quality"
        for parent in graph.get(key).parent_keys
        if ".".join(parent.path) in set(nodes.values()) - watched - told
    }
    assert untold == set()
