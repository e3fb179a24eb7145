"""The dbt project as assets and checks; Dagster splits the build around the models by itself."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from orchestration import broken_promises, dbt
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.gate import failed_tests
from orchestration.segments import building
from orchestration.settings import load_settings
from orchestration.warehouse import Warehouse

# Nothing is built on the audits, so one that fails is a problem of the run and stops nothing.
_AUDITS = dg.AssetKey(["quality", "audits"])
_SEGMENT = "segment"
_PROFILES = dg.AssetKey(["core", "profiles"])
_AUDIT_WORDS = "select words from quality.audits where area = ? and level = ? order by words"
_COUNTS = """
    select schema_name || '.' || table_name as name, estimated_size as rows_count
    from duckdb_tables()
    where not temporary
"""


class _Dbt(DbtCliResource):
    """dbt in a process of its own, and nothing of it in this one: we count rows ourselves."""

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


class _Translator(DagsterDbtTranslator):
    """Asset keys are schema and name, groups are the folders of the dbt project."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return super().get_asset_key(dbt_resource_props)
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """What hangs on no other model waits for the landing, so that one build does all of it.

        Segments wait for the profiles, whether they read them or not, so that one build sees which of them failed.
        """
        spec = _with_freshness(
            super().get_asset_spec(manifest, unique_id, project), manifest["nodes"].get(unique_id, {})
        )
        parents = manifest["parent_map"].get(unique_id, [])
        if _is_segment(manifest, unique_id):
            return spec.merge_attributes(deps=[_PROFILES])
        if any(parent.startswith(("model.", "seed.")) for parent in parents):
            return spec
        return spec.merge_attributes(deps=[dg.AssetKey(["raw", "loads"])])

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """A failed audit does not hold back the report, which shows it; a segment fails alone."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        fails_alone = asset_spec.key == _AUDITS or _is_segment(
            manifest, manifest["nodes"][unique_id].get("attached_node")
        )
        return spec._replace(blocking=False) if spec and fails_alone else spec

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["fqn"][1]) if len(dbt_resource_props["fqn"]) > 2 else "seeds"


def _with_freshness(spec: dg.AssetSpec, node: Mapping[str, Any]) -> dg.AssetSpec:
    """What says in its YAML for how many hours it is true (meta: freshness_hours) is shown as stale after them."""
    hours = node.get("config", {}).get("meta", {}).get("freshness_hours")
    if not hours:
        return spec
    window = timedelta(hours=float(hours))
    return spec.replace_attributes(freshness_policy=dg.FreshnessPolicy.time_window(window, warn_window=window * 0.75))


def _is_segment(manifest: Mapping[str, Any], unique_id: str | None) -> bool:
    return manifest["nodes"].get(unique_id, {}).get("config", {}).get("materialized") == _SEGMENT


_PROJECT = dbt.project(load_settings())


# What the outbox says once messages were handed over is a definition of its own: were it part of the other, Dagster
# would split that one around the sending, and a refresh would start dbt once more than it needs.
_AFTER_SENDING = "stg_outbox__handovers+"
_HOW: dict[str, Any] = {
    "manifest": _PROJECT.manifest,
    "dagster_dbt_translator": _Translator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)),
    "pool": WAREHOUSE_POOL,
}


@dbt_assets(exclude=_AFTER_SENDING, **_HOW)
def dbt_models(context: dg.AssetExecutionContext, home: Home) -> Iterator[Any]:
    """Builds and tests the selected models; a failed test stops what lies behind it, save an audit or a segment."""
    yield from _build(context, home)


@dbt_assets(select=_AFTER_SENDING, **_HOW)
def dbt_models_after_sending(context: dg.AssetExecutionContext, home: Home) -> Iterator[Any]:
    """Builds and tests what shows the messages that were handed over."""
    yield from _build(context, home)


def _build(context: dg.AssetExecutionContext, home: Home) -> Iterator[Any]:
    settings = home.settings()
    # dbt's own process reads these; they are no secrets.
    os.environ.update(dbt.build_environment(settings))
    cli = _Dbt(project_dir=str(_PROJECT.folder), profiles_dir=str(_PROJECT.folder), dbt_executable=dbt.executable())
    warehouse = home.warehouse()
    with warehouse.held():
        built = building.build(cli, context, settings, home.instant(context), _PROJECT.broken, _is_failed_audit)
    failed_tests.record(warehouse, built.manifest, built.results, _fail_alone(built.manifest), home.instant(context))
    if built.error:
        raise broken_promises.error(warehouse, built.manifest, built.results) or built.error
    counts = {str(row["name"]): row["rows_count"] for row in warehouse.rows(_COUNTS)}
    for event in building.in_order(built.events, context):
        yield _with_words(_with_rows(event, context, counts), warehouse)


def _fail_alone(manifest: Mapping[str, Any]) -> set[str]:
    nodes = manifest["nodes"]
    return {"model.sincerely.audits", *(unique_id for unique_id in nodes if _is_segment(manifest, unique_id))}


def _is_failed_audit(manifest: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    node = manifest["nodes"][result["unique_id"]]
    return result["status"] == "fail" and node.get("attached_node") == "model.sincerely.audits"


def _with_rows(event: Any, context: dg.AssetExecutionContext, counts: Mapping[str, Any]) -> Any:
    if not isinstance(event, dg.Output):
        return event
    key = context.asset_key_for_output(event.output_name)
    rows = counts.get(".".join(key.path))
    if rows is None:
        return event
    return event.with_metadata({**event.metadata, "dagster/row_count": int(rows)})


def _with_words(event: Any, warehouse: Warehouse) -> Any:
    """A failed audit carries its findings as sentences, for the UI and for the summary of a run."""
    if not isinstance(event, dg.AssetCheckResult) or event.asset_key != _AUDITS or event.passed:
        return event
    area, _, level = str(event.check_name).partition("_below_")
    found = warehouse.rows(_AUDIT_WORDS, [area, level.removesuffix("_level")])
    words = {f"finding_{number}": str(row["words"]) for number, row in enumerate(found, 1)}
    return event.with_metadata({**event.metadata, **words})
