"""Two faults at once: the create that nobody heard of, and the look for it, which fails too."""

import pytest

from b24_pipeline import audit
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import AccountError
from b24_pipeline.connection import open_connection
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults import invariants
from b24_pipeline_tests.faults.prepared_scenarios import HALF_AN_HOUR, Picture, PreparedScenarios

CREATES = (FaultKind.RESET_AFTER, FaultKind.INTERNAL_ERROR_AFTER)
LOOK_UPS = (FaultKind.TOKEN_BLOCKED, FaultKind.LIMIT_DAY, FaultKind.OK_HTML, FaultKind.MNEMONIC)
FIRST_LOOK_UP = 3
"""Two reads of employees are everybody, the second right before a create (R16b); the next looks for the created one."""


@pytest.mark.matrix
@pytest.mark.sampled(2)
@pytest.mark.parametrize("look_up", LOOK_UPS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("create", CREATES, ids=lambda kind: kind.name)
def test_r18_a_create_in_doubt_stays_announced_until_it_is_found_also_under_another_address(
    prepared_scenarios: PreparedScenarios, create: FaultKind, look_up: FaultKind
) -> None:
    with prepared_scenarios.start(scenarios.FIRST) as site:
        before = Picture.of(site.sandbox)
        site.sandbox.faults.add(Fault(create, "callgear", "create.employees", nth=1))
        site.sandbox.faults.add(Fault(look_up, "callgear", "get.employees", nth=FIRST_LOOK_UP, times=4))
        ended = site.run()

        assert ended.status in (RunStatus.PARTIAL, RunStatus.FAILED)
        invariants.check_run(before, site.state(), ended)
        (in_doubt,) = [
            number
            for number, employee in Picture.of(site.sandbox).employees.items()
            if number not in before.employees and invariants.email_of(employee) == "adams@x.test"
        ]
        site.sandbox.faults.clear()
        site.sandbox.portal.edit(1, EMAIL="another@x.test")
        site.run()

        assert site.links()[1] == in_doubt
        assert len(Picture.of(site.sandbox).employees) == len(before.employees) + 3
        assert audit.links.pending_creates(site.store.database).empty


def test_r18_r09_a_create_in_doubt_of_a_leaver_is_settled_once_a_rehire_has_its_employee(
    prepared_scenarios: PreparedScenarios,
) -> None:
    with prepared_scenarios.start(scenarios.FIRST) as site:
        site.sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "callgear", "create.employees", nth=1))
        site.sandbox.faults.add(Fault(FaultKind.OK_HTML, "callgear", "get.employees", nth=FIRST_LOOK_UP, times=4))
        site.run()
        site.sandbox.faults.clear()
        site.sandbox.portal.dismiss(1)
        again = scenarios.hire(site.sandbox, "Adams")

        rehired, _, quiet = site.run(), site.run(), site.run()

        assert "rehired" in set(rehired.actions["reason"])
        assert again in site.links()
        assert audit.links.pending_creates(site.store.database).empty
        assert "get.account" not in {request.method for request in quiet.requests}


def test_r18_a_run_at_once_after_one_that_broke_off_waits_for_the_create_that_is_still_on_its_way(
    prepared_scenarios: PreparedScenarios,
) -> None:
    with prepared_scenarios.start(scenarios.FIRST) as site:
        before = Picture.of(site.sandbox)
        site.sandbox.faults.add(Fault(FaultKind.HTTP_504_LATER, "callgear", "create.employees", nth=1))
        site.sandbox.faults.add(Fault(FaultKind.TOKEN_BLOCKED, "callgear", "get.employees", nth=FIRST_LOOK_UP))
        assert site.run().status is RunStatus.FAILED
        site.sandbox.faults.clear()
        site.clock.seconds -= HALF_AN_HOUR

        assert [site.run().status for _ in range(2)] == [RunStatus.DONE] * 2
        invariants.check_both_systems(before, site.state())
        assert audit.links.pending_creates(site.store.database).empty


def test_r18_once_the_account_is_refused_no_thread_sends_anything_any_more(
    prepared_scenarios: PreparedScenarios,
) -> None:
    with prepared_scenarios.start(scenarios.FIRST) as site, open_connection(site.settings(), site.timing) as connection:
        site.sandbox.faults.add(Fault(FaultKind.TOKEN_BLOCKED, "callgear", "get.employees", nth=1))
        for method in ("get.employees", "create.employees", "get.employees"):
            with pytest.raises(AccountError, match="blocked"):
                call(connection.callgear, method)

        assert len(site.sandbox.requests) == 1


def call(client: CallGear, method: str) -> None:
    """Any call."""
    client.call(method, {})
