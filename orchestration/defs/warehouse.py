"""The dbt project as assets and checks; Dagster splits the build around the models by itself."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from orchestration import dbt
from orchestration.defs.resources import WAREHOUSE_POOL, Home
from orchestration.settings import DBT_PROJECT, load_settings

_COUNTS = """
    select schema_name || '.' || table_name as name, estimated_size as rows_count
    from duckdb_tables()
    where not temporary
"""


class _Translator(DagsterDbtTranslator):
    """Asset keys are schema and name, groups are the folders of the dbt project."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return super().get_asset_key(dbt_resource_props)
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """What hangs on no other model waits for the landing, so that one build does all of it."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        parents = manifest["parent_map"].get(unique_id, [])
        if any(parent.startswith(("model.", "seed.")) for parent in parents):
            return spec
        return spec.merge_attributes(deps=[dg.AssetKey(["raw", "loads"])])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["fqn"][1]) if len(dbt_resource_props["fqn"]) > 2 else "seeds"


_SETTINGS = load_settings()


@dbt_assets(
    manifest=dbt.manifest(_SETTINGS),
    dagster_dbt_translator=_Translator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)),
    pool=WAREHOUSE_POOL,
)
def dbt_models(context: dg.AssetExecutionContext, home: Home) -> Iterator[Any]:
    """Builds and tests the selected models; a failed test stops what lies behind it."""
    settings = home.settings()
    # dbt's own process reads these; they are no secrets.
    os.environ.update(dbt.environment(settings))
    cli = DbtCliResource(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=dbt.executable())
    arguments = [
        "build", "--exclude-resource-type", "unit_test", "--vars", dbt.variables(home.instant(context)),
    ]  # fmt: skip
    warehouse = home.warehouse()
    with warehouse.held():
        invocation = cli.cli(arguments, context=context, target_path=dbt.target_path(settings))
        events = list(_watched(invocation.stream(), context))
    counts = {str(row["name"]): row["rows_count"] for row in warehouse.rows(_COUNTS)}
    for event in events:
        yield _with_rows(event, context, counts)


def _watched(events: Iterator[Any], context: dg.AssetExecutionContext) -> Iterator[Any]:
    for event in events:
        if isinstance(event, dg.Output):
            context.log.info(f"built {event.output_name.replace('__', '.')}")
        yield event


def _with_rows(event: Any, context: dg.AssetExecutionContext, counts: Mapping[str, Any]) -> Any:
    if not isinstance(event, dg.Output):
        return event
    key = context.asset_key_for_output(event.output_name)
    rows = counts.get(".".join(key.path))
    if rows is None:
        return event
    return event.with_metadata({**event.metadata, "dagster/row_count": int(rows)})
