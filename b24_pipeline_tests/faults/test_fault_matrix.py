"""The fault matrix: every call meets every fault; nobody is doubled, nothing is lost, and the next run converges."""

import pytest

from b24_pipeline.sandbox import FaultKind
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.conftest import WHOLE
from b24_pipeline_tests.faults import invariants
from b24_pipeline_tests.faults.cases import Case, Position, once_each, usual_cases, whole_cases
from b24_pipeline_tests.faults.prepared_scenarios import Picture, PreparedScenarios

CASES = once_each(whole_cases() if WHOLE else usual_cases())
OF_EACH_SCENARIO = {case.scenario.name: str(case) for case in CASES}
GO_ON = {str(case) for case in CASES if case.position is Position.FIRST} if WHOLE else set(OF_EACH_SCENARIO.values())
"""Cases with a third run: one of each scenario, in the whole matrix all that met the fault at the first call."""

TIMEOUTS = (FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER, FaultKind.HEADERS_DRIP)


@pytest.mark.matrix
@pytest.mark.parametrize("case", CASES, ids=str)
def test_whatever_fails_nobody_is_doubled_and_nothing_is_lost(
    case: Case, prepared_scenarios: PreparedScenarios
) -> None:
    prepared = prepared_scenarios.get(case.scenario)
    with prepared_scenarios.start(case.scenario) as site:
        before = Picture.of(site.sandbox)
        for fault in case.faults(prepared.calls[case.method]):
            site.sandbox.faults.add(fault)

        ended = site.run(callgear_in_flight=case.in_flight, http_timeout_seconds=0.3 if case.kind in TIMEOUTS else 5.0)

        assert case.kind.name in {request.fault for request in ended.requests}, "the fault was not met"
        assert ended.status is case.ends, ended.reason
        after_fault = site.state()
        invariants.check_run(before, after_fault, ended, in_flight=case.in_flight)
        if case.scenario is not scenarios.CLEARING:
            invariants.check_both_systems(before, after_fault)

        site.sandbox.faults.clear()
        site.wait_for_dead_letters()
        clean = site.run()

        after_all = site.state()
        invariants.check_run(before, after_all, clean)
        invariants.check_both_systems(before, after_all)
        invariants.check_converged(after_all, prepared, clean)
        if str(case) in GO_ON:
            assert not site.run().writes()


def test_every_scenario_calls_what_the_table_says(prepared_scenarios: PreparedScenarios) -> None:
    for scenario in scenarios.SCENARIOS:
        calls = prepared_scenarios.get(scenario).calls
        assert {method: min(calls[method], least) for method, least in scenario.calls.items()} == scenario.calls
