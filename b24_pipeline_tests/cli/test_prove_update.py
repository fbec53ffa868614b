"""R09a: `check --prove-update`: a person names an employee, and the account shows what an update does to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from b24_pipeline import audit
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.callgear.behavior import PhonesOmitted
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.harness import HALF_AN_HOUR, World, world_in, world_like

SIP, PSTN = "0429117", "79005550142"
IMPORTS = 4


@pytest.fixture(scope="session")
def after_waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An employee with a SIP line, linked by e-mail, that waits with its last name for a day: made once."""
    folder = tmp_path_factory.mktemp("after_waiting")
    with pytest.MonkeyPatch.context() as environment, world_in(folder, environment=environment) as world:
        employee = world.account.add_employee(last_name="Lebedeva", email="lebedeva@x.test", phone_numbers=[PSTN])
        world.account.add_sip_line(employee, SIP)
        world.hire("Lebedeva")
        world.clock.seconds -= IMPORTS * HALF_AN_HOUR
        for _ in range(IMPORTS):
            world.import_people()
            world.clock.sleep(HALF_AN_HOUR)
        world.keep()
    return folder


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_waiting: Path) -> Iterator[World]:
    """The portal and the account with whoever waits."""
    with world_like(after_waiting, tmp_path, environment=monkeypatch) as found:
        yield found


@pytest.fixture
def waiting(world: World) -> int:
    """The employee that waits."""
    (employee,) = world.account.employees
    return employee


def numbers(world: World, employee: int) -> list[str]:
    return [entry["phone_number"] for entry in world.account.employees[employee]["phone_numbers"]]


def test_r09a_an_update_that_leaves_phones_alone_lets_those_who_wait_be_updated(
    world: World, terminal: Terminal, waiting: int
) -> None:
    said = terminal("check", "--prove-update", str(waiting))
    world.import_people()

    assert (said.code, said.err, said.out.count("\n")) == (0, "", 1)
    assert f"pass  CallGear updates: an update left the phone numbers of employee {waiting} alone" in said.out
    assert world.account.employees[waiting]["last_name"] == "(bitrix24) Lebedeva"
    assert numbers(world, waiting) == [SIP, PSTN]


def test_r09a_only_its_own_last_name_is_sent(world: World, terminal: Terminal, waiting: int) -> None:
    terminal("check", "--prove-update", str(waiting))

    assert [write.params for write in world.writes()] == [{"id": waiting, "last_name": "Lebedeva"}]


def test_r09a_an_account_that_demands_phones_is_remembered_and_nothing_changes(
    world: World, terminal: Terminal, waiting: int
) -> None:
    world.behave(phones_omitted=PhonesOmitted.REQUIRED)

    said = terminal("check", "--prove-update", str(waiting))
    world.import_people()

    assert (said.code, said.out.count("\n")) == (50, 1)
    assert "FAIL  CallGear updates: this account rejects an update without phone numbers" in said.out
    assert (world.writes(), numbers(world, waiting)) == ([], [SIP, PSTN])


@pytest.mark.parametrize("loses_sip_entries", [False, True])
def test_r09a_what_an_update_took_away_is_put_back_said_and_remembered(
    world: World, terminal: Terminal, waiting: int, loses_sip_entries: bool
) -> None:
    world.behave(phones_omitted=PhonesOmitted.CLEARING, loses_sip_entries=loses_sip_entries)

    said = terminal("check", "--prove-update", str(waiting))
    with world.database() as database:
        facts = audit.metadata.facts(database)

    assert (said.code, said.out.count("\n")) == (50, 1)
    assert f"an update removed phone_numbers of employee {waiting}; restored" in said.out
    assert "SIP lines 52001 no longer belong to it" in said.out
    assert (facts["callgear_update_mode"], facts["callgear_unchecked_update"]) == ("echo", "")
    assert numbers(world, waiting) == [SIP, PSTN]


def test_r09a_ordinary_numbers_that_were_taken_away_are_back_and_the_next_updates_repeat_them(
    world: World, terminal: Terminal
) -> None:
    world.behave(phones_omitted=PhonesOmitted.CLEARING)
    employee = world.account.add_employee(last_name="Snow", email="snow@x.test", phone_numbers=["79005550299"])
    world.hire("Snow")

    said = terminal("check", "--prove-update", str(employee))
    world.import_people()

    assert "restored; updates repeat all phone numbers from now on" in said.out
    assert numbers(world, employee) == ["79005550299"]
    assert world.account.employees[employee]["last_name"] == "(bitrix24) Snow"


def test_r09a_nothing_is_lost_when_the_answer_does_not_come(world: World, terminal: Terminal, waiting: int) -> None:
    world.sandbox.faults.add(Fault(FaultKind.HTTP_502_AFTER, method="update.employees", nth=1))

    said = terminal("check", "--prove-update", str(waiting))

    assert (said.code, numbers(world, waiting)) == (0, [SIP, PSTN])


@pytest.mark.parametrize(("named", "words"), [(704_999, "CallGear has no employee"), (704_002, "has no phone numbers")])
def test_r09a_an_employee_that_proves_nothing_is_one_line_and_no_write(
    world: World, terminal: Terminal, waiting: int, named: int, words: str
) -> None:
    assert world.account.add_employee(last_name="Bare") == waiting + 1 == 704_002

    said = terminal("check", "--prove-update", str(named))

    assert (said.code, said.out, said.err.count("\n"), world.writes()) == (2, "", 1, [])
    assert words in said.err


@pytest.mark.parametrize("typed", ["0", "-1", "ira", "", "9223372036854775808"])
def test_r09a_an_id_that_is_none_is_refused(terminal: Terminal, world: World, typed: str) -> None:
    said = terminal("check", "--prove-update", typed)

    assert (said.code, world.sandbox.requests) == (2, [])
    assert "--prove-update" in said.err


def test_r09a_a_refusal_of_the_account_is_one_line(world: World, terminal: Terminal, waiting: int) -> None:
    world.behave(ip_whitelisted=False)

    said = terminal("check", "--prove-update", str(waiting))

    assert (said.code, said.out, said.err.count("\n")) == (50, "", 1)
    assert "is not whitelisted in CallGear" in said.err


def test_r17_nothing_is_proven_while_a_run_is_going_on(world: World, terminal: Terminal, waiting: int) -> None:
    with FileLock(world.paths.lock):
        said = terminal("check", "--prove-update", str(waiting))

    assert (said.code, world.sandbox.requests) == (40, [])


def test_r16b_nothing_is_proven_in_another_account(world: World, terminal: Terminal, waiting: int) -> None:
    world.behave(app_id=666)

    said = terminal("check", "--prove-update", str(waiting))

    assert (said.code, world.writes()) == (50, [])
    assert "number 31337" in said.err
    assert "number 666" in said.err
