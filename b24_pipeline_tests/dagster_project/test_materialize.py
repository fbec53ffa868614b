"""What a materialization says in the UI, and what happens to a single asset materialized alone."""

import gc
import re
from numbers import Number

from b24_pipeline.sync.run import RunContext
from b24_pipeline_tests.harness import MATERIALIZE, STEPS, World

LINK = re.compile(r"https?://|www\.")
HOSTILE = "<script>alert(1)</script>|[x](http://evil.test)www.evil.test`*_\n# x"
TABLES = (
    ("employees", "rejects"),
    ("employees", "unusable_phone_texts"),
    ("employee_matches", "people_in_conflict"),
    ("callgear_upsert", "changes"),
)


def free(character: str, text: str) -> list[str]:
    """Where Markdown would take the character for its own: not escaped."""
    return re.findall(rf"(?<!\\){re.escape(character)}", text)


def test_counts_are_numbers_and_texts_are_tables_or_sentences(world: World) -> None:
    world.hire("Lebedeva")
    world.hire(None, EMAIL="nameless@x.test")

    result = world.run()

    for asset in STEPS:
        metadata = result.metadata(asset)
        texts = {name for name, value in metadata.items() if not isinstance(value, Number)}
        tables = {"rejects", "unusable_phone_texts", "people_in_conflict", "changes", "configuration"}
        assert texts <= tables | {"dagster/column_lineage"}, asset
        assert isinstance(metadata["dagster/row_count"], int), asset


def test_the_figures_of_each_asset_are_those_of_the_run(world: World) -> None:
    world.hire("Lebedeva", WORK_PHONE="7900")
    world.portal.dismiss(world.hire("Gone"))
    world.hire("Bad", EMAIL="no address")
    world.account.add_employee(last_name="Neighbor")

    result = world.run()

    assert result.metadata("bitrix24_users") == {
        "dagster/row_count": 3,
        "users": 3,
        "active": 2,
        "dismissed": 1,
        "bitrix24_requests": result.counts.bitrix24_requests,
    }
    employees = result.metadata("employees")
    figures = ("candidates", "accepted", "rejected", "dismissed", "with_phones")
    assert [employees[name] for name in figures] == [2, 1, 1, 1, 1]
    assert (result.counts.candidates, result.counts.rejected) == (2, 1)
    assert "Bad Ira | 3 | invalid e\\-mail in Bitrix24" in employees["rejects"]
    assert result.metadata("callgear_employees")["without_email"] == 1
    assert result.metadata("employee_matches")["not_in_callgear"] == 1
    upsert = result.metadata("callgear_upsert")
    assert (upsert["created"], upsert["done"], upsert["unchanged"]) == (1, 1, 0)
    assert upsert["callgear_points"] <= result.counts.callgear_points


def test_texts_of_the_portal_cannot_break_out_of_a_table(world: World) -> None:
    world.hire("Plain", EMAIL="a@x.test")
    world.portal.hire(LAST_NAME=HOSTILE, EMAIL="a@x.test")
    world.portal.hire(LAST_NAME=HOSTILE, NAME=HOSTILE)
    world.portal.hire(LAST_NAME=HOSTILE, EMAIL="b@x.test", WORK_PHONE=HOSTILE)

    result = world.run()

    for asset, name in TABLES:
        header, *rows = [line for line in result.metadata(asset)[name].splitlines() if line]
        assert "evil" in "".join(rows), f"nothing hostile is shown in {name}"
        assert {len(free("|", row)) for row in rows} == {len(free("|", header))}, name
        assert not [character for row in rows for character in "<`[#*" if free(character, row)], name
        assert LINK.search("".join(rows).replace("\\", "")) is None, name


def test_a_run_for_one_person_shows_the_trace_in_the_page_of_each_step_that_acts(world: World) -> None:
    world.portal.hire(LAST_NAME=HOSTILE, EMAIL="a@x.test")
    world.hire("Other")

    result = world.run(dry_run=True, only=[1, 99])

    trace = result.observed("callgear_upsert")["trace"]
    assert "**R10, R19** create in CallGear\\: planned, as a dry run shows; to be sent\\: " in trace
    assert "**R13** Bitrix24 has no user 99\\: it is not among the 2 users that were read" in trace
    assert "Other" not in trace
    assert not [mark for mark in "<`[#" if free(mark, trace)]
    assert LINK.search(trace.replace("\\", "")) is None
    assert result.observed("responsible_employees")["trace"] == trace


def test_r09_how_a_reused_email_is_approved_is_said_where_it_is_listed(imported: World) -> None:
    imported.portal.dismiss(1)
    heir = imported.hire("Heir", EMAIL="person1@x.test")

    result = imported.run()

    assert result.outcomes()[heir] == "conflict email_reused: conflict"
    for asset in ("employee_matches", "callgear_upsert"):
        approve = result.metadata(asset)["approve"]
        assert f"`b24-pipeline approve {result.run_id} --user {heir}`" in approve
        assert f"      approve: {result.run_id}\n      approve_users: [{heir}]\n" in approve
    assert "has and keeps the first name" in result.metadata("callgear_upsert")["kept_when_approved"]
    assert "approve" not in result.metadata("responsible_employees")


def test_materializing_all_assets_is_a_run_like_any_other(world: World) -> None:
    world.hire("Lebedeva")

    result = world.run(job=MATERIALIZE, trigger=None, assets=STEPS)

    assert (result.status, result.counts.created, result.audited["trigger"]) == ("done", 1, "ui")


def test_nothing_of_a_run_is_kept_in_the_process_once_it_has_ended(world: World) -> None:
    """Dagster keeps the resources of the last run, and with them its settings with secrets and its database."""
    world.hire("Lebedeva")

    ended = world.run()

    gc.collect()
    assert ended.status == "done"
    assert [kept.run_id for kept in gc.get_objects() if isinstance(kept, RunContext)] == []


def test_an_asset_that_only_reads_can_be_materialized_alone(world: World) -> None:
    world.hire("Lebedeva")

    result = world.run(job=MATERIALIZE, trigger=None, assets=["bitrix24_users"])

    assert (result.success, world.writes()) == (True, [])
