"""What the UI tells of the systems outside, of the settings in force, and of tables and columns."""

import dagster as dg
import pytest

from b24_pipeline import schemas
from b24_pipeline.asset_metadata import COLUMN_LINEAGE
from b24_pipeline.assets.callgear import MATCH_FIGURES
from b24_pipeline.definitions import defs
from b24_pipeline.rules.models import MatchKind
from b24_pipeline_tests.audit.helpers import ask
from b24_pipeline_tests.harness import World

TABLES = {
    "bitrix24_users": "audit.bitrix24_users",
    "employees": "audit.employees",
    "callgear_employees": "audit.callgear_employees",
    "employee_matches": "audit.employee_matches",
    "callgear_upsert": "audit.actions",
    "responsible_employees": "audit.responsible_employees",
}


def specs() -> dict[str, dg.AssetSpec]:
    """Every asset by its key."""
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_the_assets_outside_say_which_portal_and_account_was_read_when_and_how_many_people_they_have(
    imported: World,
) -> None:
    imported.hire("Newcomer")

    result = imported.run()

    portal, account = result.observed("bitrix24_portal"), result.observed("callgear_account")
    assert (portal["host"], portal["edition"]) == ("127.0.0.1", "cloud")
    assert portal["webhook_of_user"] == "1 (Person1 Ira)"
    assert portal["users"] == portal["with_email"] == result.counts.users
    assert portal["with_phones"] == 0
    assert (account["host"], account["employees"]) == ("127.0.0.1", 9)
    after = result.observed("callgear_account_after_import")
    assert (after["employees"], after["linked_employees"]) == (10, 10)
    assert after["app_id"] == account["app_id"]
    assert (account["confirmed"], after["confirmed"]) == ("by the last run that wrote", "in this run")
    assert portal["read_at"] <= account["read_at"] <= after["left_at"]


def test_a_dry_run_leaves_nothing_in_the_account(imported: World) -> None:
    result = imported.run(dry_run=True)
    assert result.observed("callgear_account")["employees"] == 9
    with pytest.raises(ValueError, match="not enough values"):
        result.observed("callgear_account_after_import")


def test_the_configuration_in_force_is_shown_without_secrets(imported: World) -> None:
    imported.set(B24_PIPELINE_EXCLUDE_USERS="358", B24_PIPELINE_LIMIT_REMOVALS="7")

    result = imported.run(on_id_match="fill_phones")

    shown = result.metadata("callgear_upsert")["configuration"].replace("\\", "")
    for choice in ("on_id_match | fill_phones", "exclude_users | 358", "removal | held when more than 7", "*/30"):
        assert choice in shown
    environment = imported.environment()
    secrets = (environment["CALLGEAR_ACCESS_TOKEN"], environment["BITRIX24_WEBHOOK_URL"].rstrip("/").rsplit("/")[-1])
    everything = str([result.metadata("callgear_upsert"), result.observed("bitrix24_portal")])
    assert [secret for secret in secrets if secret in everything] == []


@pytest.mark.parametrize(("asset", "table"), TABLES.items())
def test_every_frame_names_its_table(imported: World, asset: str, table: str) -> None:
    metadata = specs()[asset].metadata
    assert (metadata["dagster/table_name"], metadata["dagster/relation_identifier"]) == (table, table)
    assert ask(imported.paths, f"SELECT count(*) FROM {table}")


def test_the_column_lineage_leads_from_column_to_column_that_there_is() -> None:
    columns = {
        key: {column.name for column in spec.metadata["dagster/column_schema"].columns}
        for key, spec in specs().items()
        if "dagster/column_schema" in spec.metadata
    }
    for model, lineage in COLUMN_LINEAGE.items():
        assert set(lineage) <= set(schemas.column_names(model))
    lineages = {key: spec.metadata.get("dagster/column_lineage") for key, spec in specs().items()}
    made = {key: found.deps_by_column for key, found in lineages.items() if found}
    assert set(made) == {"employees", "employee_matches", "callgear_upsert", "responsible_employees"}
    sources = [source for deps in made.values() for column in deps.values() for source in column]
    assert [s for s in sources if s.column_name not in columns[s.asset_key.to_user_string()]] == []
    assert set(made["employees"]) == columns["employees"]


def test_each_materialization_carries_its_column_lineage(imported: World) -> None:
    upsert = imported.run().metadata("callgear_upsert")
    assert "after" in upsert["dagster/column_lineage"].deps_by_column


@pytest.mark.parametrize("asset", ["bitrix24_users", "callgear_upsert", "import_report"])
def test_what_must_be_fresh_is_red_after_an_hour(asset: str) -> None:
    assert specs()[asset].freshness_policy is not None


def test_every_kind_of_match_is_counted_under_its_name_in_the_audit() -> None:
    assert set(MATCH_FIGURES.values()) == set(MatchKind)
    assert {"matched_by_id", "matched_by_email", "conflicts", "rejected", "out_of_scope"} <= set(MATCH_FIGURES)
