"""Everything that the UI shows says what it is, in words that a newcomer understands, and whose it is."""

from collections.abc import Iterator

import dagster as dg
import pytest

from b24_pipeline.definitions import defs

REPOSITORY = defs.get_repository_def()


def described() -> Iterator[tuple[str, str | None]]:
    """Everything with a name of ours, and what it says of itself."""
    for spec in defs.resolve_all_asset_specs():
        yield f"asset {spec.key.to_user_string()}", spec.description
    for check in defs.resolve_asset_graph().asset_check_keys:
        yield f"check {check.name}", defs.resolve_asset_graph().get_check_spec(check).description
    for job in REPOSITORY.get_all_jobs():
        if not job.name.startswith("__"):
            yield f"job {job.name}", job.description
        yield from ((f"step {node.name}", node.definition.description) for node in job.nodes)
    for schedule in REPOSITORY.schedule_defs:
        yield f"schedule {schedule.name}", schedule.description
    for sensor in REPOSITORY.sensor_defs:
        yield f"sensor {sensor.name}", sensor.description
    for name, resource in REPOSITORY.get_top_level_resources().items():
        yield f"resource {name}", resource.description
        fields = getattr(resource.config_schema.config_type, "fields", {})
        yield from ((f"config {name}.{field}", given.description) for field, given in fields.items())


def test_everything_says_in_a_sentence_what_it_is() -> None:
    texts = dict(described())
    assert {name.partition(" ")[0] for name in texts} == {
        *("asset", "check", "job", "step", "schedule", "sensor", "resource", "config")
    }
    assert [name for name, text in texts.items() if len((text or "").split()) < 5] == []
    assert [name for name, text in texts.items() if (text or "").strip()[-1:] != "."] == []


@pytest.mark.parametrize(
    "spec",
    sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key),
    ids=lambda spec: spec.key.to_user_string(),
)
def test_every_asset_has_owners_kinds_tags_a_group_and_its_code(spec: dg.AssetSpec) -> None:
    assert spec.owners == ["team:data"]
    assert 1 <= len(spec.kinds) <= 3
    assert spec.group_name != "default"
    assert spec.tags["b24_pipeline/personal_data"] == "yes"
    is_external = spec.key.to_user_string() in ("bitrix24_portal", "callgear_account", "callgear_account_after_import")
    assert ("dagster/code_references" in spec.metadata) is not is_external


def test_only_two_assets_change_something_in_callgear() -> None:
    specs = defs.resolve_all_asset_specs()
    changing = {spec.key.to_user_string() for spec in specs if spec.tags["b24_pipeline/changes"] == "callgear"}
    assert changing == {"callgear_upsert", "responsible_employees"}
