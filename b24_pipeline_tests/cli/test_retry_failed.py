"""R18: everybody whose action has failed may be tried at once, and nobody else."""

from b24_pipeline import audit
from b24_pipeline.rules.models import RunKind
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.cli.test_sync import result_of
from b24_pipeline_tests.harness import STEPS, World

REFUSED = Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", nth=1)


def failed_once(world: World) -> int:
    """A user whose create was refused, and is by now tried again no sooner than later."""
    user = world.hire("Refused")
    world.sandbox.faults.add(REFUSED)
    assert world.import_people().counts.failed == 1
    world.forget_requests()
    return user


def test_r18_people_who_failed_are_tried_at_once_and_nobody_else(imported: World) -> None:
    user = failed_once(imported)
    later = imported.hire("Later")
    result = imported.run(only_failed=True)
    assert (result.status, result.audited["kind"], result.counts.created) == ("done", RunKind.SINGLE, 1)
    assert user in imported.links()
    assert later not in imported.links()
    assert "trace" in result.observed("callgear_upsert")


def test_r18_when_nobody_has_failed_neither_system_is_asked(imported: World) -> None:
    imported.hire("Later")
    result = imported.run(only_failed=True, assets=(*STEPS, "import_report"))
    assert (result.success, result.status, result.audited["kind"]) == (True, "done", RunKind.SINGLE)
    assert (imported.sandbox.requests, len(result.actions)) == ([], 0)


def test_r18_a_choice_of_people_and_of_those_who_failed_exclude_each_other(imported: World) -> None:
    (text,) = imported.run(only_failed=True, only=[1]).failures()
    assert "`only` cannot be combined with `only_failed`" in text


def test_r18_the_terminal_tries_those_who_failed(portal: World, terminal: Terminal) -> None:
    user = failed_once(portal)
    said = terminal("sync", "--failed", "--json")
    assert (said.code, result_of(said)["counts"]["created"], user in portal.links()) == (0, 1, True)


def test_r18_the_terminal_says_in_a_line_that_nobody_has_failed(portal: World, terminal: Terminal) -> None:
    said = terminal("sync", "--failed")
    assert (said.code, said.out, said.err) == (0, "Nobody has failed: there is nothing to try again.\n", "")
    assert portal.sandbox.requests == []
    with portal.database() as database:
        assert len(audit.runs.history(database)) == 1


def test_failed_and_only_exclude_each_other(portal: World, terminal: Terminal) -> None:
    assert terminal("sync", "--failed", "--only", "1").code == 2
    assert portal.sandbox.requests == []
