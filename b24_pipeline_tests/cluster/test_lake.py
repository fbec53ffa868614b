"""The audit on DuckLake, and the lock between machines."""

import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from b24_pipeline.account import AccountIdentity
from b24_pipeline.audit.schema import LAYOUT
from b24_pipeline.audit.storage.advisory_lock import Session
from b24_pipeline.audit.storage.claims import claim_account
from b24_pipeline.audit.storage.exceptions import DatabaseOfAnotherConnection
from b24_pipeline.audit.storage.lake import Lake
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.sandbox import Fault, FaultKind, Phase, RequestSeen
from b24_pipeline.settings.connections import OF_A_PAIR
from b24_pipeline_tests.cluster.conftest import Machine, links_in, result_of
from b24_pipeline_tests.cluster.engines import NAME, USER, Postgres, lake_variables
from b24_pipeline_tests.cluster.growth import grown
from b24_pipeline_tests.cluster.network import Network, separate_network, why_not
from b24_pipeline_tests.cluster.ticks import ticks_on
from b24_pipeline_tests.connections.processes import connect
from b24_pipeline_tests.harness import World
from b24_pipeline_tests.processes import RUN_SECONDS, wait_for

pytestmark = pytest.mark.cluster
PEOPLE = 60
CUT_OFF_SECONDS = 60
"""So soon it has ended, too; without `lake.WAITS` after a quarter of an hour."""


def test_two_machines_take_turns_with_one_audit(machines: list[Machine], world: World) -> None:
    one, two = machines
    users = world.hire_many(3)

    said = one.type("sync", "--json")
    assert said.stderr == ""
    first = result_of(said)
    assert first["error"] is None
    newcomer = world.hire("Newcomer")
    second = result_of(two.type("sync", "--json"))

    assert [(run["status"], run["counts"]["created"]) for run in (first, second)] == [("done", 3), ("done", 1)]
    assert (second["counts"]["matched_by_id"], len(world.writes())) == (3, 4)
    assert (links_in(one.database), links_in(two.database)) == (users, [*users, newcomer])
    assert not list(two.folder.glob("*.working.duckdb*"))
    assert f"user {newcomer}" in one.type("explain", str(newcomer)).stdout


def test_a_connection_is_restored_from_a_dump_of_its_schema(
    machines: list[Machine], world: World, postgres: Postgres
) -> None:
    one, two = machines
    users = world.hire_many(3)
    assert one.type("sync").returncode == 0

    dump = postgres.tool("pg_dump", "-n", "acme")
    postgres.ask("DROP SCHEMA acme CASCADE")
    postgres.tool("psql", "-q", "-v", "ON_ERROR_STOP=1", given=dump)
    found = result_of(two.type("sync", "--json"))

    assert (found["status"], found["counts"]["matched_by_id"], links_in(two.database)) == ("done", 3, users)
    assert len(world.writes()) == 3


def with_connections(machine: Machine) -> Machine:
    """The machine without the settings of one pair, which are refused beside a folder of connections."""
    kept = {name: value for name, value in machine.environment.items() if not name.startswith(OF_A_PAIR)}
    return replace(machine, environment=kept)


def test_each_of_several_connections_has_a_schema_of_its_own(machines: list[Machine], postgres: Postgres) -> None:
    one, two = map(with_connections, machines)
    postgres.ask("DROP SCHEMA IF EXISTS globex CASCADE")
    with ExitStack() as stack:
        acme, globex = (connect(one.folder, key, stack, people=2) for key in ("acme", "globex"))
        shutil.copytree(one.folder / "connections", two.folder / "connections")

        first = one.type("sync", "--all")
        globex.hire("Newcomer")
        second = two.type("sync", "--connection", "globex")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert [len(company.sandbox.writes()) for company in (acme, globex)] == [2, 3]
    assert len(links_in(one.folder / "data/connections/acme/b24_pipeline.duckdb")) == 2
    assert len(links_in(two.folder / "data/connections/globex/b24_pipeline.duckdb")) == 3


def test_r16b_two_connections_with_one_account_are_refused_on_another_machine_too(
    machines: list[Machine], world: World, postgres: Postgres
) -> None:
    one, two = map(with_connections, machines)
    postgres.ask("DROP SCHEMA IF EXISTS globex CASCADE")
    pair = {name: value for name, value in world.environment().items() if name.startswith(("BITRIX24_", "CALLGEAR_"))}
    for machine, key in product((one, two), ("acme", "globex")):
        (machine.folder / "connections").mkdir(exist_ok=True)
        (machine.folder / f"connections/{key}.env").write_text("".join(f"{name}={pair[name]}\n" for name in pair))
    world.hire_many(2)

    first = one.type("sync", "--connection", "acme")
    checked, second = (two.type(command, "--connection", "globex") for command in ("check", "sync"))

    assert (first.returncode, second.returncode) == (0, 50), first.stderr + second.stderr
    assert (checked.returncode, "belongs to the connection acme: two portals" in checked.stdout) == (50, True)
    assert "belongs to the connection acme: two portals in one account" in second.stdout + second.stderr
    assert len(world.writes()) == 2


def test_a_tick_sees_what_another_machine_has_stored_and_reads_no_other_audit(
    machines: list[Machine], postgres: Postgres
) -> None:
    one, two = map(with_connections, machines)
    postgres.ask("DROP SCHEMA IF EXISTS globex CASCADE")
    nothing_new = {"conditions": [], "read": False, "wanted": False}
    with ExitStack() as stack:
        _, globex = (connect(one.folder, key, stack, people=2) for key in ("acme", "globex"))
        shutil.copytree(one.folder / "connections", two.folder / "connections")
        tick = stack.enter_context(ticks_on(one))
        assert tick() == dict.fromkeys(("acme", "globex"), nothing_new | {"read": True, "wanted": True})
        assert two.type("sync", "--all").returncode == 0
        assert tick() == dict.fromkeys(("acme", "globex"), nothing_new | {"read": True})
        assert tick() == dict.fromkeys(("acme", "globex"), nothing_new)

        globex.sandbox.faults.add(Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None))
        assert two.type("sync", "--connection", "globex").returncode == 50
        globex.sandbox.faults.clear()

        assert tick() == {"acme": nothing_new, "globex": nothing_new | {"conditions": ["failed"], "read": True}}
        assert two.type("sync", "--connection", "globex").returncode == 0
        assert tick() == {"acme": nothing_new, "globex": nothing_new | {"read": True}}


@pytest.fixture
def session(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A connection to the Postgres of lakes, in which nobody has an account yet."""
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    postgres.ask("DROP TABLE IF EXISTS b24_pipeline_accounts")
    with closing(
        Session(Lake(f"postgresql://{USER}@127.0.0.1:{postgres.port}/{NAME}", "acme", ""), name="test")
    ) as one:
        yield one


def claim(session: Session, key: str, keys: tuple[str, ...] | None) -> bool:
    """Whether a connection may import into the account."""
    try:
        claim_account(session, AccountIdentity("7"), host="callgear.test", key=key, keys=keys)
    except DatabaseOfAnotherConnection:
        return False
    return True


def test_r16b_an_account_is_free_again_once_the_file_of_its_connection_is_removed(session: Session) -> None:
    assert claim(session, "acme", ("acme", "globex"))
    assert claim(session, "acme", ("acme", "globex"))
    assert not claim(session, "globex", ("acme", "globex"))
    assert claim(session, "globex", ("globex",))
    assert not claim(session, "acme", ("acme", "globex"))


def test_r16b_without_a_folder_an_account_belongs_to_a_schema_as_long_as_that_is_there(
    session: Session, postgres: Postgres
) -> None:
    postgres.ask('CREATE SCHEMA "first-one"')
    assert claim(session, "first-one", None)
    assert not claim(session, "second", None)
    postgres.ask('DROP SCHEMA "first-one"')
    assert claim(session, "second", None)


def test_the_nights_bound_what_runs_leave_behind_and_keep_the_whole_audit(postgres: Postgres, tmp_path: Path) -> None:
    postgres.ask("DROP SCHEMA IF EXISTS acme CASCADE")
    lake = lake_variables(postgres, schema="acme", data=tmp_path / "lake")

    found = grown(lake, runs=6, runs_a_day=2)

    evenings, mornings = found[::2], found[1::2]
    assert [left.audit for left in evenings] == [left.audit for left in mornings]
    assert len({left.audit for left in mornings}) == 3
    assert [left.snapshots for left in mornings] == [2, 2, 2]
    assert mornings[0].files == mornings[1].files == mornings[2].files <= len(LAYOUT.tables)
    assert [left.files_known for left in mornings] == [left.files for left in mornings]


def test_a_lake_that_cannot_be_reached_is_one_line_and_nothing_is_asked(machines: list[Machine], world: World) -> None:
    address = machines[0].environment["B24_PIPELINE_LAKE"]

    said = machines[0].type("sync", "--json", B24_PIPELINE_LAKE=f"postgresql://{USER}@127.0.0.1:1/{NAME}")

    assert (said.returncode, world.sandbox.requests) == (50, [])
    (line,) = said.stderr.splitlines()
    assert "port 1 failed: Connection refused" in line
    assert address not in line


def test_a_lock_is_not_taken_through_a_pool(machines: list[Machine], world: World, pool: int) -> None:
    said = machines[0].type("sync", "--json", B24_PIPELINE_LAKE=f"postgresql://{USER}@127.0.0.1:{pool}/{NAME}")

    assert (said.returncode, world.sandbox.requests) == (50, [])
    assert "is a pool of connections: name Postgres itself" in said.stderr


@dataclass
class AtACreate:
    """Put into `Sandbox.on_request`: does something to a machine once, at so many-th create."""

    create: int
    act: Callable[[], None] = lambda: None
    seen: int = 0
    acted: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: RequestSeen, phase: Phase) -> None:
        if phase is Phase.BEFORE and request.method == "create.employees" and not self.acted.is_set():
            self.seen += 1
            if self.seen == self.create:
                self.act()
                self.acted.set()


def lock_taken_over(machine: Machine) -> tuple[dict[str, Any], list[str]]:
    """Import on a machine as soon as another one's lock is free; gives what was done, and how it was refused before."""
    refused: list[str] = []

    def result() -> dict[str, Any] | None:
        said = machine.type("sync", "--json")
        refused.extend([said.stderr] if said.returncode == Exit.IN_PROGRESS else [])
        return None if said.returncode == Exit.IN_PROGRESS else result_of(said)

    return wait_for("the lock of the other machine", result, seconds=RUN_SECONDS), refused


def test_r17_a_frozen_machine_keeps_its_lock_for_half_a_minute_and_then_writes_nothing_more(
    machines: list[Machine], world: World
) -> None:
    one, two = machines
    users = world.hire_many(PEOPLE)

    world.sandbox.on_request = frozen_at = AtACreate(20)
    with one.start("sync", "--json") as frozen:
        frozen_at.act = lambda: frozen.send_signal(signal.SIGSTOP)
        assert frozen_at.acted.wait(RUN_SECONDS)
        second, refused = lock_taken_over(two)
        written = len(world.writes())
        frozen.send_signal(signal.SIGCONT)
        out, _ = frozen.communicate(timeout=RUN_SECONDS)

    assert "another run is in progress: b24-pipeline sync, since" in refused[0]
    assert (second["status"], written, links_in(two.database)) == ("done", PEOPLE, users)
    assert (frozen.returncode, len(world.writes())) == (Exit.FAILED, PEOPLE)
    assert "has lost its lock" in json.loads(out.splitlines()[-1])["error"]


@pytest.fixture
def network(world: World, postgres: Postgres, pool: int) -> Iterator[Network]:
    """A network in which Postgres itself is on the gateway, and all else on the loopback."""
    if reason := why_not():
        pytest.skip(reason)
    with separate_network([world.server.port, pool], direct=[postgres.port]) as separate:
        yield separate


def test_r17_a_machine_that_is_cut_off_from_postgres_writes_nothing_more_and_ends_by_itself(
    machines: list[Machine], world: World, postgres: Postgres, network: Network
) -> None:
    one, two = machines
    users = world.hire_many(PEOPLE)
    lake = f"postgresql://{USER}@{network.gateway}:{postgres.port}/{NAME}"

    world.sandbox.on_request = cut_at = AtACreate(20, act=lambda: network.drop(postgres.port))
    with replace(one, given={"B24_PIPELINE_LAKE": lake}).start("sync", "--json", inside=network.prefix) as cut_off:
        assert cut_at.acted.wait(RUN_SECONDS)
        second, refused = lock_taken_over(two)
        written = len(world.writes())
        out, _ = cut_off.communicate(timeout=CUT_OFF_SECONDS)

    assert "another run is in progress: b24-pipeline sync, since" in refused[0]
    assert (second["status"], written, links_in(two.database)) == ("done", PEOPLE, users)
    assert (cut_off.returncode, len(world.writes())) == (Exit.FAILED, PEOPLE)
    said = json.loads(out.splitlines()[-1])
    assert (said["status"], "The run was started" in said["error"]) == ("failed", True)
    assert said["run_id"] is not None
