"""R18a: what a step may use that its own run has not read, and what each kind of run is called everywhere."""

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from b24_pipeline.cli import main
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.audit.helpers import ask
from b24_pipeline_tests.harness import HALF_AN_HOUR, JOB, MATERIALIZE, QUIET, STEPS, World, project_in_test_time
from b24_pipeline_tests.results import Result

READING = ("employees", "employee_matches")
BLOCKED_ONCE = Fault(FaultKind.TOKEN_BLOCKED, api="callgear", method="create.employees", times=1, nth=1)
WRITING = ("callgear_upsert", "responsible_employees")


def alone(world: World, *assets: str, **config: Any) -> Result:
    """The button "Materialize" on some assets."""
    world.forget_requests()
    return world.run(job=MATERIALIZE, trigger=None, assets=assets, **config)


def again(world: World, failed: Result) -> Result:
    """The button "Re-execute from failure" (in this process, so without a queue)."""
    world.forget_requests()
    left = [step for step in STEPS if step not in succeeded(failed)]
    tags = {"dagster/parent_run_id": failed.run_id, "dagster/root_run_id": failed.run_id}
    job = project_in_test_time().resolve_job_def(JOB)
    chosen = {"resources": {"import_run": {"config": {}}}, "loggers": QUIET}
    keys = [dg.AssetKey(name) for name in left]
    found = job.execute_in_process(
        instance=world.instance, raise_on_error=False, asset_selection=keys, tags=tags, run_config=chosen
    )
    return world.result_of(found)


def succeeded(result: Result) -> set[str]:
    return {event.step_key for event in result.dagster.all_events if event.is_step_success and event.step_key}


@pytest.mark.parametrize("asset", READING)
def test_r18a_a_step_that_only_reads_uses_the_newest_frames_and_says_of_which_run(imported: World, asset: str) -> None:
    past = imported.run().run_id
    imported.hire("Later")
    imported.clock.sleep(5 * HALF_AN_HOUR)
    result = alone(imported, asset)
    assert (result.success, result.status, result.audited["kind"]) == (True, "done", "partial")
    assert imported.sandbox.requests == []
    assert f"run {past[:8]}, 2 hours old" in result.metadata(asset)["computed_from"]


@pytest.mark.parametrize("asset", READING)
def test_r18a_before_anything_was_read_it_names_the_job(world: World, asset: str) -> None:
    result = alone(world, asset)
    (failure,) = result.failures()
    assert "launch the job employee_import" in failure
    assert "\n" not in failure
    assert result.audited["reason"].startswith(f"{asset}: no run has read ")


def test_r18a_whom_the_import_created_after_it_read_the_account_is_matched_by_id_alone(imported: World) -> None:
    result = alone(imported, "employee_matches")
    figures = result.metadata("employee_matches")
    assert (figures["matched_by_id"], figures["not_in_callgear"]) == (len(imported.links()), 0)
    assert {check.check_name for check in result.dagster.get_asset_check_evaluations() if not check.passed} == set()
    assert ask(imported.paths, "SELECT DISTINCT match_type, reason FROM audit.employee_matches") == [("by_id", None)]


def test_r18a_a_link_to_an_employee_whom_the_newest_frame_lacks_stays_stale(imported: World) -> None:
    imported.account.remove_employee(imported.links()[1])
    alone(imported, "callgear_employees")
    assert alone(imported, "employee_matches").metadata("employee_matches")["not_in_callgear"] == 1


def test_r18a_the_upsert_alone_reads_both_sides_first(imported: World) -> None:
    newcomer = imported.hire("Newcomer")
    result = alone(imported, "callgear_upsert")
    assert (result.success, result.status, result.audited["kind"]) == (True, "done", "partial")
    assert newcomer in imported.links()
    assert result.counts.created == 1


def test_r18a_the_responsible_list_alone_reads_the_portal_first(imported: World) -> None:
    imported.list_responsible(1)
    imported.portal.dismiss(1)
    result = alone(imported, "responsible_employees")
    assert (result.success, result.counts.responsible_removed) == (True, 1)
    assert imported.account.responsible == {}


def test_r18a_a_selection_that_writes_never_uses_what_was_read_before(imported: World) -> None:
    newcomer = imported.hire("Newcomer")
    result = alone(imported, "employee_matches", "callgear_upsert")
    assert (result.success, newcomer in imported.links()) == (True, True)


def test_r18a_a_run_that_is_executed_again_goes_on_with_what_was_read(imported: World) -> None:
    newcomer = imported.hire("Newcomer")
    imported.sandbox.faults.add(
        Fault(FaultKind.TOKEN_BLOCKED, api="callgear", method="create.employees", times=1, nth=1)
    )
    failed = imported.run()
    result = again(imported, failed)
    assert (failed.status, result.status, result.audited["kind"]) == ("failed", "done", "import")
    assert newcomer in imported.links()
    assert {request.api for request in imported.sandbox.requests} == {"callgear"}


def test_r13_a_run_that_is_executed_again_knows_whom_the_look_up_did_not_find(imported: World) -> None:
    leaver = 1
    imported.list_responsible(leaver)
    imported.portal.delete(leaver)
    imported.hire("Newcomer")
    imported.sandbox.faults.add(BLOCKED_ONCE)
    failed = imported.run()
    result = again(imported, failed)
    assert (failed.counts.responsible_removed, result.counts.responsible_removed, result.status) == (0, 1, "done")
    assert {request.api for request in imported.sandbox.requests} == {"callgear"}


def test_r18_a_run_that_is_executed_again_knows_what_it_has_created(imported: World) -> None:
    imported.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    newcomers = imported.hire_many(6, prefix="New")
    imported.sandbox.faults.add(replace(BLOCKED_ONCE, nth=4))
    failed = imported.run()
    result = again(imported, failed)
    assert (failed.counts.created, failed.status) == (3, "failed")
    assert (result.counts.created, result.counts.deferred, result.status) == (3, 0, "done")
    assert set(newcomers) <= imported.links().keys()
    assert len(imported.account.employees) == 15


def test_r07a_a_link_that_was_ended_meanwhile_is_not_stored_again(imported: World) -> None:
    imported.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    found = imported.hire_many(3, prefix="Old")
    for number in (1, 2, 3):
        imported.account.add_employee(first_name="Ira", last_name=f"Old{number}", email=f"old{number}@x.test")
    imported.sandbox.faults.add(replace(BLOCKED_ONCE, method="update.employees", nth=2))
    failed = imported.run()
    stranger = imported.links()[found[0]]
    imported.account.employees[stranger]["email"] = "other@x.test"
    assert main(["unlink", str(found[0])]) == 0
    result = again(imported, failed)
    assert (failed.counts.linked, result.counts.linked, result.status) == (3, 0, "done")
    assert imported.links()[found[0]] != stranger


def test_r18a_after_run_minutes_it_reads_anew(imported: World) -> None:
    newcomer = imported.hire("Newcomer")
    imported.sandbox.faults.add(
        Fault(FaultKind.TOKEN_BLOCKED, api="callgear", method="create.employees", times=1, nth=1)
    )
    failed = imported.run()
    imported.clock.sleep(HALF_AN_HOUR)
    result = again(imported, failed)
    assert (result.status, newcomer in imported.links()) == ("done", True)
    assert "bitrix24" in {request.api for request in imported.sandbox.requests}


@pytest.mark.parametrize("asset", ["bitrix24_users", "employees", "responsible_employees"])
def test_r18a_a_step_of_a_good_import_that_is_executed_again_is_partial(imported: World, asset: str) -> None:
    good = imported.run().run_id
    tags = {"dagster/parent_run_id": good, "dagster/root_run_id": good}
    result = alone(imported, asset, tags=tags)
    assert (result.status, result.audited["kind"]) == ("done", "partial")


def test_r18a_what_does_not_complete_a_failed_import_is_partial_and_what_does_is_an_import(imported: World) -> None:
    imported.hire("Newcomer")
    imported.sandbox.faults.add(BLOCKED_ONCE)
    failed = imported.run().run_id
    tags = {"dagster/parent_run_id": failed, "dagster/root_run_id": failed}
    kinds = [alone(imported, *steps, tags=tags).audited["kind"] for steps in (["callgear_upsert"], WRITING)]
    assert kinds == ["partial", "import"]


def test_r18a_an_import_that_fails_twice_is_completed_by_the_third_run(imported: World) -> None:
    imported.hire("Newcomer")
    imported.sandbox.faults.add(BLOCKED_ONCE)
    first = imported.run()
    imported.sandbox.faults.add(BLOCKED_ONCE)
    second = again(imported, first)
    third = alone(
        imported, *WRITING, tags={"dagster/parent_run_id": second.run_id, "dagster/root_run_id": first.run_id}
    )
    assert [run.status for run in (first, second, third)] == ["failed", "failed", "done"]
    assert {run.audited["kind"] for run in (first, second, third)} == {"import"}


@pytest.mark.parametrize(
    ("config", "assets", "kind"),
    [
        ({}, STEPS, "import"),
        ({"dry_run": True}, STEPS, "dry_run"),
        ({"only": [1]}, STEPS, "single"),
        ({}, ("bitrix24_users",), "partial"),
        ({"dry_run": True}, ("bitrix24_users",), "dry_run"),
    ],
)
def test_r18a_the_audit_and_the_tags_of_a_run_say_what_it_was_for(
    imported: World, config: dict[str, Any], assets: tuple[str, ...], kind: str
) -> None:
    result = alone(imported, *assets, **config)
    run = imported.instance.get_run_by_id(result.run_id)
    assert run
    assert (run.tags["b24_pipeline/kind"], run.tags["b24_pipeline/outcome"]) == (kind, "done")
    assert result.audited["kind"] == kind


def test_the_tags_of_a_run_show_its_figures(world: World) -> None:
    world.hire_many(3)
    world.hire(None, EMAIL="nameless@x.test")
    result = world.run()
    run = world.instance.get_run_by_id(result.run_id)
    assert run
    assert (run.tags["b24_pipeline/created"], run.tags["b24_pipeline/rejected"]) == ("3", "1")
    assert "b24_pipeline/failed" not in run.tags


@pytest.mark.parametrize("trial", ["dry", "single"])
def test_r18a_trials_leave_the_pages_of_the_writing_assets_to_imports(imported: World, trial: str) -> None:
    newcomer = imported.hire("Newcomer")
    result = imported.run(dry_run=True) if trial == "dry" else imported.run(only=[newcomer])
    assert result.success
    for asset in WRITING:
        assert result.dagster.asset_materializations_for_node(asset) == []
    assert "Newcomer" in result.observed("callgear_upsert")["changes"]
    assert "dagster/row_count" in result.observed("responsible_employees")


def test_r18a_a_single_run_still_takes_a_leaver_off_the_list(imported: World) -> None:
    imported.list_responsible(1)
    imported.portal.dismiss(1)
    result = imported.run(only=[1])
    assert (result.counts.responsible_removed, imported.account.responsible) == (1, {})


def test_r18a_partial_runs_never_pass_for_an_import(imported: World) -> None:
    before = ask(imported.paths, "SELECT run_id FROM audit.last_import")
    alone(imported, "bitrix24_users")
    alone(imported, "callgear_upsert")
    assert ask(imported.paths, "SELECT run_id FROM audit.last_import") == before


def test_what_is_not_read_is_not_zero(imported: World) -> None:
    imported.set(B24_PIPELINE_RESPONSIBLE_LIST="off")
    found = imported.run().metadata("responsible_employees")
    assert found == {"skipped": "not read in this run: the setting responsible_list is off"}


CHECKS = ("no_held_changes", "reconciliation", "no_failed_actions")


def checked_by_hand(world: World, *names: str) -> dict[str, bool]:
    """The button "Execute" on some checks; whether each passed."""
    keys = [dg.AssetCheckKey(dg.AssetKey("callgear_upsert"), name) for name in names]
    defs = project_in_test_time()
    job = dg.define_asset_job("by_hand", selection=dg.AssetSelection.checks(*keys))
    found = (
        dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
        .resolve_job_def("by_hand")
        .execute_in_process(instance=world.instance, raise_on_error=False, run_config={"loggers": QUIET})
    )
    assert world.result_of(found).audited["kind"] == "check"
    return {evaluation.check_name: evaluation.passed for evaluation in found.get_asset_check_evaluations()}


def test_r18a_checks_by_hand_look_at_the_last_import(imported: World) -> None:
    imported.set(B24_PIPELINE_LIMIT_CREATES="1", B24_PIPELINE_LIMIT_CREATES_SHARE="0")
    imported.hire_many(3, prefix="Newcomer")
    assert imported.run().counts.held == 3
    assert checked_by_hand(imported, *CHECKS) == {
        "no_held_changes": False,
        "reconciliation": True,
        "no_failed_actions": True,
    }


def test_r18a_the_budget_by_hand_is_what_the_last_import_has_left(imported: World) -> None:
    imported.behave(day_limit=10_000)
    imported.account.points.use_elsewhere(9_000)
    imported.run()
    assert checked_by_hand(imported, "point_budget") == {"point_budget": False}


def test_a_failure_in_this_run_is_not_green(imported: World) -> None:
    imported.hire("Refused")
    imported.sandbox.faults.add(Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", times=None))
    found = {evaluation.check_name: evaluation for evaluation in imported.run().dagster.get_asset_check_evaluations()}
    assert not found["no_failed_actions"].passed
    assert "Refused Ira" in found["no_failed_actions"].metadata["who"].value
