"""Which collected attributes nobody uses: each rule on a project of two or three models, then the real one."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
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
from orchestration.lineage.attributes import Attribute
from orchestration.lineage.project import Lineage, Reader, lineage, relation_of
from orchestration.lineage.readers import all_readers
from orchestration.settings import CAMPAIGNS, load_settings
from orchestration.warehouse import Warehouse
from rendering.campaign import load_campaigns
from tests.conftest import SECRET

RAW = "raw.crm_contacts"
COLUMNS = ("contact_id", "email", "gender", "city", "tags", "_extra", "_load_id", "_row")
STAGED = "select contact_id, email, nullif(trim(gender), '') as gender, city, tags, _extra as attributes from {raw}"


def project(models: Mapping[str, str], **more: object) -> Lineage:
    """The lineage of models by `schema.name`, in their order; those of schema staging carry, of quality watch."""
    nodes: dict[str, object] = {}
    earlier = ["source.raw"]
    for relation in models:
        schema, name = relation.split(".")
        kind = {"staging": "carried", "quality": "watched"}.get(schema)
        config = {"materialized": "table", "meta": {"columns_are": kind} if kind else {}}
        nodes[f"model.{name}"] = {
            "unique_id": f"model.{name}", "resource_type": "model", "schema": schema, "name": name, "alias": name,
            "config": {**config, **more.get("config", {}).get(name, {})},
            "columns": more.get("columns", {}).get(name, {}), "depends_on": {"nodes": list(earlier)},
        }  # fmt: skip
        earlier.append(f"model.{name}")
    manifest = {
        "nodes": nodes,
        "sources": {"source.raw": {"schema": "raw", "name": "crm_contacts", "identifier": "crm_contacts"}},
        "exposures": more.get("exposures", {}),
    }
    compiled = {f"model.{name.split('.')[1]}": sql.format(raw='"warehouse"."raw"."crm_contacts"')
                for name, sql in models.items() if sql}  # fmt: skip
    return lineage(manifest, compiled, {RAW: COLUMNS}, more.get("readers", ()))


def uses(found: Lineage, column: str, key: str = "") -> list[tuple[str, str]]:
    return [(use.used_by, use.how) for use in found.trace(RAW, column, key).uses]


def through_staging(sql: str, **more: object) -> Lineage:
    """The lineage of one model, core.people, after staging."""
    return project({"staging.stg_contacts": STAGED, "core.people": sql}, **more)


def test_passing_a_column_on_is_no_use_and_says_where_it_went() -> None:
    found = project(
        {
            "staging.stg_contacts": STAGED,
            "core.contacts": "with received as (select * from staging.stg_contacts) select * from received",
            "core.profiles": "select c.gender as sex from core.contacts as c",
        }
    )
    trace = found.trace(RAW, "gender")
    assert trace.uses == ()
    assert trace.carried_to == (
        ("core.contacts", "gender"), ("core.profiles", "sex"), ("staging.stg_contacts", "gender"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "item",
    [
        "gender",
        "cast(gender as varchar)",
        "coalesce(gender, 'unknown')",
        "nullif(gender, 'n/a')",
        "any_value(gender)",
        "arg_max(gender, email) filter (where city is not null)",
        "case when city = 'Rome' then gender end",
        "list({{'gender': gender, 'rank': 1}} order by email)",
        "json_object('gender', gender)",
        "(select max_by(gender, email) from staging.stg_contacts)",
    ],
)
def test_handing_one_of_the_values_on_is_no_use(item: str) -> None:
    found = through_staging(f"select {item} as value from staging.stg_contacts")
    assert uses(found, "gender") == []
    assert ("core.people", "value") in found.trace(RAW, "gender").carried_to


@pytest.mark.parametrize(
    ("sql", "how"),
    [
        ("select a.email from staging.stg_contacts as a where gender = 'f'", "filter"),
        ("select email from staging.stg_contacts group by email having max(gender) = 'f'", "filter"),
        ("select email from staging.stg_contacts qualify row_number() over (partition by gender) = 1", "filter"),
        ("select email, gender as g from staging.stg_contacts where g = 'f'", "filter"),
        ("select email from staging.stg_contacts as c where exists (select 1 where c.gender = 'f')", "filter"),
        ("select email from staging.stg_contacts where email in (select gender from staging.stg_contacts)", "filter"),
        ("select b.email from staging.stg_contacts a join staging.stg_contacts b on a.gender = b.gender", "join"),
        ("select email from staging.stg_contacts a join staging.stg_contacts b using (gender)", "join"),
        ("select count(*) as n from staging.stg_contacts group by gender", "group"),
        ("select gender as g, count(*) as n from staging.stg_contacts group by 1", "group"),
        ("select gender, count(*) as n from staging.stg_contacts group by all", "group"),
        ("select email from staging.stg_contacts order by gender limit 1", "order"),
        ("select distinct email, gender from staging.stg_contacts", "distinct"),
        ("select gender from staging.stg_contacts union select 'f'", "distinct"),
        ("select count(distinct gender) as n from staging.stg_contacts", "expression"),
        ("select gender || '!' as loud from staging.stg_contacts", "expression"),
        ("select case when gender = 'f' then email end as e from staging.stg_contacts", "expression"),
        ("select if(cast(gender as boolean), email, city) as e from staging.stg_contacts", "expression"),
        ("select max(email) over (partition by gender) as e from staging.stg_contacts", "expression"),
        ("select sum(1) over w as n from staging.stg_contacts window w as (partition by gender)", "window"),
        ("select x.* exclude (gender) from (select *, upper(gender) as u from staging.stg_contacts) x", "expression"),
        ("select * replace (upper(gender) as gender) from staging.stg_contacts", "expression"),
        ("select max(columns(*)) from staging.stg_contacts", "expression"),
        ("select part.value from staging.stg_contacts as c, unnest(string_split(c.gender, ',')) as part (value)",
         "unnest"),
    ],
)  # fmt: skip
def test_deciding_anything_with_a_column_is_a_use(sql: str, how: str) -> None:
    found = through_staging(sql)
    assert found.unread == {}
    assert ("core.people", how) in uses(found, "gender")


def test_a_column_left_out_of_a_star_goes_no_further() -> None:
    found = project(
        {
            "staging.stg_contacts": STAGED,
            "core.contacts": "select * exclude (gender) from staging.stg_contacts",
            "core.profiles": "select * from core.contacts where city = 'Rome'",
        }
    )
    assert found.trace(RAW, "gender").carried_to == (("staging.stg_contacts", "gender"),)
    assert uses(found, "city") == [("core.profiles", "filter")]


def test_each_branch_of_a_union_hands_its_columns_on_by_their_place() -> None:
    found = project(
        {
            "staging.stg_contacts": STAGED,
            "core.seen": "with s as (from staging.stg_contacts) select email w from s union all select gender from s",
            "core.people": "select count(*) filter (w is null) as n from core.seen",
        }
    )
    assert uses(found, "gender") == uses(found, "email") == [("core.people", "expression")]


def test_a_reason_to_refuse_and_the_number_of_a_copy_are_no_use_but_a_filter_of_staging_is() -> None:
    found = project(
        {
            "staging.base_contacts": """
                select contact_id, gender, city, case when gender = '?' then 'gender is no word' end as _refusal,
                    row_number() over (partition by contact_id, gender, city order by _load_id) as _copy_number
                from {raw}
            """,
            "staging.stg_contacts": """
                select * exclude (_refusal, _copy_number) from staging.base_contacts
                where _refusal is null and _copy_number = 1 and city <> 'test'
            """,
        }
    )
    assert uses(found, "gender") == []
    assert uses(found, "city") == [("staging.stg_contacts", "filter")]


def test_what_staging_makes_of_a_column_still_is_that_column() -> None:
    found = project(
        {
            "staging.stg_contacts": "select lower(gender) || city as place from {raw}",
            "core.people": "select count(*) as n from staging.stg_contacts group by place",
        }
    )
    assert uses(found, "gender") == uses(found, "city") == [("core.people", "group")]


def test_watching_the_datas_quality_is_no_use() -> None:
    found = project(
        {
            "staging.stg_contacts": STAGED,
            "quality.completeness": "select count(gender) as n from staging.stg_contacts where gender = 'f'",
            "core.reader": "select max(n) as n from quality.completeness",
        }
    )
    assert uses(found, "gender") == []


def test_a_key_that_the_contract_does_not_know_is_used_when_it_is_taken_out() -> None:
    found = project(
        {
            "staging.stg_contacts": STAGED,
            "core.profiles": "select attributes, attributes ->> '$.tier' as tier from staging.stg_contacts",
            "core.gold": "select 1 as one from core.profiles where tier = 'gold'",
            "core.large": "select 1 as one from core.profiles where cast(attributes -> 'size' as int) > 3",
            "core.named": "select 1 as one from core.profiles where attributes['nick']['name'] is not null",
        }
    )
    assert uses(found, "_extra", "tier") == [("core.gold", "filter")]
    assert uses(found, "_extra", "size") == [("core.large", "filter")]
    assert uses(found, "_extra", "nick") == [("core.named", "filter")]
    assert uses(found, "_extra", "shoe") == []


def test_a_use_of_all_keys_at_once_is_a_use_of_each() -> None:
    found = through_staging("select json_keys(attributes) as keys from staging.stg_contacts")
    assert uses(found, "_extra", "tier") == [("core.people", "expression")]


def test_a_packed_value_is_used_when_the_package_is_under_whatever_key() -> None:
    found = project(
        {
            "staging.stg_contacts": STAGED,
            "core.profiles": "select json_object('t', attributes ->> '$.tier') as kept from staging.stg_contacts",
            "core.gold": "select 1 as one from core.profiles where kept ->> '$.t' = 'gold'",
        }
    )
    assert uses(found, "_extra", "tier") == [("core.gold", "filter")]
    assert uses(found, "_extra", "size") == []


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("pivot staging.stg_contacts on gender using count(*)", "it is not one select"),
        ("select * from staging.stg_contacts pivot (count(*) for gender in ('f'))", "it pivots"),
        ("select email from staging.stg_contacts natural join staging.stg_contacts as b", "it joins naturally"),
        ("select nobody_knows from staging.stg_contacts", "nobody_knows is no column"),
        ("select ((((", "does not parse"),
        ("", "dbt has not compiled it"),
    ],
)
def test_a_model_that_cannot_be_read_counts_as_using_all_that_it_reads_and_is_named(sql: str, words: str) -> None:
    found = through_staging(sql)
    assert words in found.unread["core.people"]
    ((user, how),) = uses(found, "gender")
    assert (user, how[:17]) == ("core.people", "counted in doubt:")
    assert uses(found, "_extra", "tier") == uses(found, "gender")


def test_a_materialization_of_our_own_uses_what_it_selects() -> None:
    found = through_staging(
        "select gender from staging.stg_contacts", config={"people": {"materialized": "connected_components"}}
    )
    assert found.unread == {}
    assert uses(found, "gender") == [("core.people", "materialization connected_components")]
    assert uses(found, "city") == []


def test_an_exposure_reads_whole_tables_unless_a_reader_speaks_for_it() -> None:
    exposures = {
        "exposure.board": {"name": "board", "depends_on": {"nodes": ["model.people"]}},
        "exposure.mailing": {"name": "mailing", "depends_on": {"nodes": ["model.people"]}},
    }
    mailing = Reader("campaign hello", "select * from core.people", {"city": "token city"}, exposure="mailing")
    sql = "select gender, city from staging.stg_contacts"
    assert uses(through_staging(sql, exposures=exposures, readers=[mailing]), "gender") == [("exposure board", "read")]
    del exposures["exposure.board"]
    found = through_staging(sql, exposures=exposures, readers=[mailing])
    assert uses(found, "gender") == []
    assert uses(found, "city") == [("campaign hello", "token city")]


def test_a_reader_that_cannot_be_read_may_use_everything() -> None:
    found = through_staging("select gender from staging.stg_contacts", readers=[Reader("board", "select ((")])
    assert "board" in found.unread
    assert [user for user, _ in uses(found, "gender")] == ["board"]


def test_what_is_kept_for_a_reason_is_used_and_personal_data_is_named() -> None:
    columns = {"people": {
        "gender": {"config": {"meta": {"pii": "gender", "kept_for": "a legal duty"}}},
        "city": {"meta": {"pii": "place"}},
    }}  # fmt: skip
    found = through_staging("select gender, city from staging.stg_contacts", columns=columns)
    assert uses(found, "gender") == [("core.people.gender", "kept for a legal duty")]
    assert found.trace(RAW, "city").pii == ("place",)


def test_the_table_says_why_nobody_uses_an_attribute() -> None:
    found = project(
        {
            "staging.stg_contacts": "select contact_id, gender, city, _extra as attributes from {raw}",
            "core.people": "select contact_id, gender, attributes from staging.stg_contacts",
            "core.known": "select contact_id || '!' as id from core.people",
        }
    )
    known = [("contact_id", 4), ("email", 4), ("gender", 1), ("city", 2), ("tags", 0)]
    all_of_them = [Attribute("crm", "contacts", RAW, name, False, rows, 4) for name, rows in known]
    all_of_them += [
        Attribute("crm", "contacts", RAW, "tier", True, 3, 4),
        Attribute("crm", "calls", "raw.crm_calls", "seconds", False, 3, 3),
    ]
    rows = {row["attribute"]: row for row in attributes.unused_attributes(all_of_them, found).to_pylist()}
    assert set(rows) == {"email", "gender", "city", "tier", "seconds"}
    assert (rows["gender"]["rows_filled"], rows["gender"]["filled_share"]) == (1, 0.25)
    assert rows["gender"]["carried_to"] == "core.people.gender"
    assert rows["gender"]["reason"].startswith("It is only copied")
    assert rows["city"]["reason"] == "It ends in staging: nothing after staging reads it."
    assert rows["email"]["reason"] == "No model takes it out of what was landed."
    assert rows["tier"]["reason"].startswith("The contract does not know it. It is only copied")
    assert rows["seconds"]["reason"] == "No model reads this entity."


# The real project, built once over the small shop, with a file that knows more of each contact landed on top.

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
