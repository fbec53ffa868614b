"""What only looks, the sensor and `b24-pipeline check`, under every fault: it ends, says what is, writes nothing."""

from collections.abc import Iterator

import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.bitrix24.exceptions import Bitrix24Error
from b24_pipeline.bitrix24.health_check import check_bitrix24
from b24_pipeline.bitrix24.polling import LastSnapshot, poll_changes
from b24_pipeline.callgear.health_check import check_callgear
from b24_pipeline.connection import open_connection
from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline.sandbox.callgear.api import ACCESS_TOKEN
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults.cases import CALLGEAR_KINDS, CHECKED, PORTAL_ENDS
from b24_pipeline_tests.faults.prepared_scenarios import PreparedScenarios, Site

TIMEOUT_SECONDS = 0.3


@pytest.fixture
def site(prepared_scenarios: PreparedScenarios) -> Iterator[Site]:
    """Six imported people of whom four have left since."""
    with prepared_scenarios.start(scenarios.LEAVERS) as found:
        yield found


@pytest.mark.sampled(2)
@pytest.mark.matrix
@pytest.mark.parametrize("kind", PORTAL_ENDS, ids=lambda kind: kind.name)
def test_r17_the_look_for_changes_asks_once_and_never_makes_a_change_up(site: Site, kind: FaultKind) -> None:
    known = LastSnapshot.of(audit.history.snapshot(site.store.database, schemas.Users), linked=set(site.links()))

    def look() -> tuple[int, ...] | str:
        with open_connection(site.settings(http_timeout_seconds=TIMEOUT_SECONDS), site.timing) as connection:
            try:
                return poll_changes(connection.bitrix24, snapshot=known, window_from=0).dismissed
            except Bitrix24Error as error:
                return str(error)

    site.sandbox.faults.add(Fault(kind, "bitrix24", "batch", nth=1))
    found = look()
    assert (len(site.sandbox.requests), site.clock.waits) == (2 if kind is FaultKind.REDIRECT_302 else 1, [])
    assert found == (1, 2, 3, 6) if isinstance(found, tuple) else SECRET not in found
    assert look() == (1, 2, 3, 6)


@pytest.mark.sampled(2)
@pytest.mark.matrix
@pytest.mark.parametrize("kind", PORTAL_ENDS, ids=lambda kind: kind.name)
def test_the_check_of_the_portal_says_what_to_do(site: Site, kind: FaultKind) -> None:
    site.sandbox.faults.add(Fault(kind, "bitrix24", "batch", nth=1))
    with open_connection(site.settings(http_timeout_seconds=TIMEOUT_SECONDS), site.timing) as connection:
        checks = check_bitrix24(connection.bitrix24)

    assert all(check.passed for check in checks) is (PORTAL_ENDS[kind] is RunStatus.DONE)
    assert not any(SECRET in check.text or "\n" in check.text for check in checks)


@pytest.mark.matrix
@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", CALLGEAR_KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("method", CHECKED)
def test_the_check_of_the_account_ends_and_writes_nothing(site: Site, method: str, kind: FaultKind) -> None:
    site.sandbox.faults.add(Fault(kind, "callgear", method, nth=1))
    with open_connection(site.settings(http_timeout_seconds=TIMEOUT_SECONDS), site.timing) as connection:
        checks = check_callgear(connection.callgear)

    assert kind.name in {request.fault for request in site.sandbox.requests}
    assert site.sandbox.writes() == []
    assert not any(ACCESS_TOKEN in check.text or "\n" in check.text for check in checks)
