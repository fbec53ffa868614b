"""The webhook's code and the CallGear token appear nowhere: not in logs, events, run config, database or output."""

import logging

import pytest
from dagster import serialize_value

from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline_tests.harness import World
from b24_pipeline_tests.results import Result

FAULTS = [
    Fault(FaultKind.CONNECTION_REFUSED, times=None),
    Fault(FaultKind.HTTP_500, times=None),
    Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None),
    Fault(
        FaultKind.REDIRECT_302, api="bitrix24", times=None, location=f"https://elsewhere.example/rest/1/{SECRET}/batch"
    ),
    Fault(FaultKind.TOKEN_INVALID, api="callgear", times=None),
    Fault(FaultKind.RESET_AFTER, api="callgear", method="create.employees", times=None),
    *(
        Fault(kind, api=api, method=method, times=None)
        for kind in (FaultKind.ECHOED_ERROR, FaultKind.ECHOED_PAGE)
        for api, method in (("bitrix24", None), ("callgear", None), ("callgear", "create.employees"))
    ),
]


def told(world: World, result: Result, caplog: pytest.LogCaptureFixture) -> str:
    """Everything that a run leaves behind or says, as one text; the sandbox's own access log is not ours."""
    run = world.instance.get_run_by_id(result.run_id)
    assert run is not None
    records = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    events = "\n".join(serialize_value(event) for event in world.instance.all_logs(result.run_id))
    files = b"".join(path.read_bytes() for path in world.paths.published.parent.rglob("*") if path.is_file())
    return "\n".join([*records, str(run.run_config), str(run.tags), events, files.decode(errors="replace")])


@pytest.mark.sampled(6)
@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda fault: fault.kind.name if fault else "none")
def test_no_secret_is_told_whatever_fails(world: World, caplog: pytest.LogCaptureFixture, fault: Fault | None) -> None:
    caplog.set_level(logging.DEBUG)
    world.set(B24_PIPELINE_HTTP_TIMEOUT_SECONDS="0.2", B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    world.set(CALLGEAR_PASSWORD=world.server.password)
    world.hire("Lebedeva")
    if fault is not None:
        world.sandbox.faults.add(fault)

    text = told(world, world.run(), caplog)

    assert "bitrix24_users" in text
    assert SECRET not in text
    assert world.server.access_token not in text
    assert world.server.password not in text


def test_login_password_and_session_are_told_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.set(CALLGEAR_ACCESS_TOKEN="", CALLGEAR_LOGIN=world.server.login, CALLGEAR_PASSWORD=world.server.password)
    world.hire("Lebedeva")

    result = world.run()
    text = told(world, result, caplog)

    assert (result.status, len(world.account.sessions)) == ("done", 1)
    assert world.server.password not in text
    assert not any(session in text for session in world.account.sessions)
