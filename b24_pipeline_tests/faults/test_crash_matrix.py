"""The crash matrix: a run dies of SIGKILL at each request it sends; the next one finds everything and converges."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg
import pytest

from b24_pipeline import audit
from b24_pipeline.audit import Paths, Store
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sandbox import CallGearBehavior, Phase, Sandbox, serve
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.conftest import WHOLE
from b24_pipeline_tests.faults import invariants
from b24_pipeline_tests.faults.kill import Desk, ForkServer, Killer, armed, kill_at
from b24_pipeline_tests.faults.prepared_scenarios import Picture, PreparedScenarios
from b24_pipeline_tests.harness import CLOCK
from b24_pipeline_tests.scenarios import PLENTY, Scenario

PARTS = 9
"""The requests of a long import are shared out to so many tests."""

KILLED = -9
SHORT = (scenarios.LEAVERS, scenarios.MIRROR, scenarios.CLEARING)


@pytest.mark.matrix
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("part", range(PARTS))
def test_r18_a_run_killed_at_any_request_of_a_whole_import_loses_and_doubles_nobody(
    part: int, phase: Phase, prepared_scenarios: PreparedScenarios, fork_server: ForkServer
) -> None:
    requests = prepared_scenarios.get(scenarios.FORTY).calls.total()
    assert len(Picture.of_state(prepared_scenarios.get(scenarios.FORTY).state).users) >= 40
    for request in tried(range(1 + part, requests + 1, PARTS), phase, every=1):
        survives(scenarios.FORTY, prepared_scenarios, fork_server, request=request, phase=phase)


@pytest.mark.matrix
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: scenario.name)
def test_r18_a_run_killed_at_any_request_of_other_scenarios_loses_and_doubles_nobody(
    scenario: Scenario, phase: Phase, prepared_scenarios: PreparedScenarios, fork_server: ForkServer
) -> None:
    for request in tried(range(1, prepared_scenarios.get(scenario).calls.total() + 1), phase, every=4):
        survives(scenario, prepared_scenarios, fork_server, request=request, phase=phase)


@pytest.mark.matrix
@pytest.mark.parametrize("request_number", [6, 12, 18, 24])
def test_r18_a_run_killed_with_eight_requests_in_flight_loses_and_doubles_nobody(
    request_number: int, prepared_scenarios: PreparedScenarios, fork_server: ForkServer
) -> None:
    survives(
        scenarios.FORTY,
        prepared_scenarios,
        fork_server,
        request=request_number,
        phase=Phase.AFTER,
        callgear_in_flight=8,
    )


def tried(requests: Iterable[int], phase: Phase, *, every: int) -> list[int]:
    """The requests of which a run dies: all of them, or in `make test` every n-th one, the phases in turn."""
    begins = every * list(Phase).index(phase)
    chosen = [request for request in requests if WHOLE or request % (2 * every) == begins]
    assert chosen, "no run would die"
    return chosen


def survives(
    scenario: Scenario,
    prepared_scenarios: PreparedScenarios,
    fork_server: ForkServer,
    *,
    request: int,
    phase: Phase,
    **settings: object,
) -> None:
    """Kill a run of the scenario at that request; the next run makes everything as if nothing had happened."""
    prepared = prepared_scenarios.get(scenario)
    with prepared_scenarios.start(scenario) as site:
        before = Picture.of(site.sandbox)

        assert kill_at(site, fork_server, request=request, phase=phase, **settings) == KILLED

        left_behind = site.state()
        invariants.links_are_kept(prepared.links_before, left_behind.links)
        invariants.links_are_sound(left_behind)
        invariants.created_employees_are_known(before, left_behind)
        killed_id = f"run-{site.runs}"
        next_run = site.run()
        killed = site.ended(killed_id, requests=[])
        assert killed.status is RunStatus.INTERRUPTED
        after_all = site.state()
        invariants.done_actions_happened(after_all, killed)
        invariants.check_run(before, after_all, next_run)
        invariants.check_both_systems(before, after_all)
        invariants.check_converged(after_all, prepared, next_run)


@pytest.mark.matrix
def test_r18_a_create_that_a_killed_run_left_behind_is_found_under_the_address_it_had(
    prepared_scenarios: PreparedScenarios, fork_server: ForkServer
) -> None:
    """The person's e-mail address is changed before the next run; it must not become two employees."""
    with prepared_scenarios.start(scenarios.FIRST) as site:
        before = Picture.of(site.sandbox)
        assert kill_at(site, fork_server, request=1, method="create.employees", phase=Phase.AFTER) == KILLED
        (created,) = Picture.of(site.sandbox).employees.keys() - before.employees.keys()
        site.sandbox.portal.edit(1, EMAIL="married@x.test", LAST_NAME="Married")
        next_run = site.run()

        assert (next_run.status, site.links()[1]) == (RunStatus.DONE, created)
        assert len(Picture.of(site.sandbox).employees) == len(before.employees) + 3
        assert audit.links.pending_creates(site.store.database).empty
        assert not site.run().writes()


@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "phase"),
    [("batch", Phase.BEFORE), ("create.employees", Phase.AFTER), ("delete.deal_employees", Phase.AFTER)],
    ids=str,
)
def test_r18_a_killed_command_is_interrupted_in_the_audit_and_failed_in_dagster(
    method: str, phase: Phase, tmp_path: Path, fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox(bitrix24=scenarios.FIRST.bitrix24, callgear=CallGearBehavior(**PLENTY))
    scenarios.staff(sandbox)
    with serve(sandbox) as server:
        desk = Desk.at(tmp_path, server, fork_server)
        if method == "delete.deal_employees":
            assert desk.type("sync") == 0
            scenarios.three_leave(sandbox)
        before = Picture.of(sandbox)
        killer = armed(sandbox, Killer(at=1, phase=phase, method=method))
        child = desk.start("sync")
        killer.aim(child)
        assert child.ended() == KILLED
        sandbox.on_request = None
        assert desk.type("sync") == 0, desk.said

    runs = audit_runs(desk.paths)
    assert [status for _, status in runs[:2]] == ["done", "interrupted"]
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses[runs[1][0]] is dg.DagsterRunStatus.FAILURE
    assert statuses[runs[0][0]] is dg.DagsterRunStatus.SUCCESS
    invariants.nobody_is_doubled(before, Picture.of(sandbox))
    invariants.nobody_is_deleted(before, Picture.of(sandbox))


def audit_runs(paths: Paths) -> list[tuple[str, str]]:
    """Run id and status, newest first."""
    with Store.reader(paths, now=CLOCK.now) as database:
        rows = audit.runs.history(database, limit=10)
    return list(zip(rows["run_id"], rows["status"], strict=True))
