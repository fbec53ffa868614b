"""Postgres, pgbouncer and RabbitMQ on loopback: Debian's programs, with folders, ports and passwords of the tests."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from b24_pipeline_tests.processes import PROJECT, START_SECONDS, free_port, is_listening, started, wait_for

CONFIGURATION = PROJECT / "deploy/cluster"
LAKE = PROJECT / ".venv/ducklake"
"""Where `make setup-cluster` puts DuckDB 1.5 and its extensions."""
NAME = "b24_pipeline"
"""The name of the database, as in our files."""
USER = "b24"
IN_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
OF_DEBIAN = "/usr/sbin:/usr/bin:/usr/lib/rabbitmq/bin"


def program(name: str) -> str | None:
    """Return where a program of Debian's is; each version of Postgres has a folder of its own."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=":".join([*map(str, versions), OF_DEBIAN]))


def missing() -> list[str]:
    """Return the programs and packages that are not installed."""
    programs = [name for name in ("initdb", "postgres", "pgbouncer", "rabbitmq-server") if program(name) is None]
    packages = [name for name in ("dagster_postgres", "dagster_celery", "psycopg2") if find_spec(name) is None]
    return [*programs, *packages, *([] if LAKE.is_dir() else ["DuckLake"])]


def unprivileged(name: str) -> dict[str, Any]:
    """Return whom a program is started as: servers refuse root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def private_folder(owner: str, *, place: Path | None) -> Iterator[Path]:
    """A folder that only `owner` can read: pytest's own are root's only."""
    with tempfile.TemporaryDirectory(prefix="b24-", dir=place) as made:
        if os.geteuid() == 0:
            shutil.chown(made, owner, pwd.getpwnam(owner).pw_gid)
        yield Path(made)


@dataclass(frozen=True)
class Served:
    """A server that takes connections."""

    port: int
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """End it and all of its processes at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(
    command: list[str], *, owner: str, port: int, log: Path, end: signal.Signals = signal.SIGKILL, **given: Any
) -> Iterator[Served]:
    """Run a server until the block ends, and wait until it takes connections."""
    with started(*command, log=log, end=end, **unprivileged(owner), **given) as process:
        what = f"{command[0]} to take connections"
        wait_for(what, lambda: is_listening(port), seconds=START_SECONDS, process=process)
        yield Served(port, process)


@dataclass(frozen=True)
class Postgres:
    """A server with one database."""

    folder: Path
    port: int
    password: str

    @property
    def pid(self) -> int:
        """Its first process; the others are children of it."""
        return int((self.folder / "data/postmaster.pid").read_text().split()[0])

    @contextmanager
    def started(self) -> Iterator[None]:
        """Serve; what was stored stays for the next time."""
        command = [program("postgres") or "postgres", "-D", str(self.folder / "data"), "-p", str(self.port)]
        options = ["-k", str(self.folder), "-c", "listen_addresses=127.0.0.1"]
        in_order = signal.SIGINT  # or its shared memory would stay
        with serving([*command, *options], owner="postgres", port=self.port, log=self.folder / "log", end=in_order):
            yield

    def create(self) -> None:
        """Make the data folder."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # in a folder of its owner only
        command = [program("initdb") or "initdb", "-D", str(self.folder / "data"), "-U", USER]
        subprocess.run(
            [*command, "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale", "C.UTF-8"],
            check=True,
            capture_output=True,
            **unprivileged("postgres"),
        )
        secret.unlink()

    def ask(self, sql: str, *parameters: object, database: str = NAME) -> list[tuple[Any, ...]]:
        """Return what Postgres answers, on a direct connection."""
        import psycopg2  # noqa: PLC0415 - where it is missing, the tests are skipped

        where = f"host=127.0.0.1 port={self.port} user={USER} password={self.password} dbname={database}"
        with closing(psycopg2.connect(where)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall() if cursor.description else []

    def tool(self, name: str, *arguments: str, given: bytes | None = None) -> bytes:
        """Return what a tool of Postgres prints, `pg_dump` or `psql`."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, NAME]
        command = [program(name) or name, *arguments, *where]
        environment = os.environ | {"PGPASSWORD": self.password}
        return subprocess.run(command, env=environment, input=given, capture_output=True, check=True).stdout

    @cached_property
    def secret(self) -> str:
        """What the server keeps of the password, and the pool, too."""
        ((secret,),) = self.ask("SELECT rolpassword FROM pg_authid WHERE rolname = %s", USER, database="postgres")
        return str(secret)


@contextmanager
def postgres(*, place: Path | None = IN_MEMORY) -> Iterator[Postgres]:
    """A server with an empty database, whose files lie in a place of one's own."""
    with stoppable_postgres(place=place) as (server, _):
        yield server


@contextmanager
def stoppable_postgres(*, place: Path | None = IN_MEMORY) -> Iterator[tuple[Postgres, ExitStack]]:
    """The same, and what stops the server; enter `started()` to start it again."""
    with private_folder("postgres", place=place) as folder, ExitStack() as serves:
        server = Postgres(folder, free_port(), secrets.token_hex(16))
        server.create()
        serves.enter_context(server.started())
        server.ask(f"CREATE DATABASE {NAME}", database="postgres")
        yield server, serves


@contextmanager
def pgbouncer(server: Postgres, *, port: int | None = None) -> Iterator[Served]:
    """The pool before it, with our own file but for the places."""
    port = port or free_port()
    text = (CONFIGURATION / "pgbouncer.ini").read_text()
    places = {
        "port=5432": f"port={server.port}",
        "listen_port = 6432": f"listen_port = {port}",
        "/etc/pgbouncer/userlist.txt": str(server.folder / "userlist.txt"),
    }
    for ours, theirs in places.items():
        assert ours in text, ours
        text = text.replace(ours, theirs)
    started = server.folder / f"pgbouncer-{port}.ini"
    started.write_text(f"{text}unix_socket_dir =\n")
    (server.folder / "userlist.txt").write_text(f'"{USER}" "{server.secret}"\n')
    command = [program("pgbouncer") or "pgbouncer", str(started)]
    with serving(command, owner="postgres", port=port, log=server.folder / "pgbouncer.log") as pool:
        yield pool


def storage_variables(server: Postgres, port: int) -> dict[str, str]:
    """What deploy/cluster/dagster.yaml reads."""
    return {
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_PORT": str(port),
        "DAGSTER_PG_DB": NAME,
        "DAGSTER_PG_USERNAME": USER,
        "DAGSTER_PG_PASSWORD": server.password,
    }


def lake_variables(server: Postgres, *, schema: str, data: Path) -> dict[str, str]:
    """The audit in a lake, with the DuckDB that has its extensions."""
    return {
        "PYTHONPATH": f"{LAKE}:{PROJECT}",
        "PGPASSWORD": server.password,
        "B24_PIPELINE_LAKE": f"postgresql://{USER}@127.0.0.1:{server.port}/{NAME}",
        "B24_PIPELINE_LAKE_SCHEMA": schema,
        "B24_PIPELINE_LAKE_DATA": str(data),
    }


@contextmanager
def rabbitmq(password: str, *, port: int | None = None) -> Iterator[Served]:
    """A broker without anything queued."""
    with private_folder("rabbitmq", place=IN_MEMORY) as folder:
        port, names = port or free_port(), free_port()
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{port}\ndefault_user = {USER}\ndefault_pass = {password}\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")
        places = {"MNESIA_BASE": "mnesia", "LOG_BASE": "log", "CONFIG_FILE": "rabbitmq.conf"}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"{NAME}{port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            **{f"RABBITMQ_{name}": str(folder / place) for name, place in places.items()},
        }
        with ExitStack() as stack:
            command = [program("epmd") or "epmd"]
            stack.enter_context(serving(command, owner="rabbitmq", port=names, log=folder / "epmd", env=environment))
            command = [program("rabbitmq-server") or "rabbitmq-server"]
            yield stack.enter_context(
                serving(command, owner="rabbitmq", port=port, log=folder / "out", env=environment, cwd=folder)
            )
