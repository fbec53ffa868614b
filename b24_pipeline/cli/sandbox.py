"""Using the sandbox in place of the real systems: its own address, credentials and database, for this process only."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from b24_pipeline.audit.locks import file_lock, locking
from b24_pipeline.cli.commands import PROJECT_FILE
from b24_pipeline.settings import SettingsError
from b24_pipeline.settings.dagster_home import NAME
from b24_pipeline.settings.env_precedence import GIVEN

FOLDER = Path("data/sandbox")
STATE = FOLDER / "state.json"
LOCK = FOLDER / "serving.lock"
ADDRESS = FOLDER / "address.json"
DATABASE = FOLDER / "b24_pipeline.duckdb"
DATABASE_SETTING = "B24_PIPELINE_DATABASE"
DAGSTER = FOLDER / "dagster"
PROJECT_DAGSTER = "data/dagster"
"""Where `dagster.yaml` of the project folder keeps the history of the real import."""
RECEIVERS = ("B24_PIPELINE_ALERT_WEBHOOK_URL", "B24_PIPELINE_ALERT_EMAIL_TO")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the sandbox is served, and the credentials to use."""

    page_url: str
    webhook_url: str
    callgear_url: str
    access_token: str

    def variables(self) -> dict[str, str]:
        """As settings."""
        return {
            "BITRIX24_WEBHOOK_URL": self.webhook_url,
            "CALLGEAR_API_URL": self.callgear_url,
            "CALLGEAR_ACCESS_TOKEN": self.access_token,
            "CALLGEAR_USER_ID": "",
            DATABASE_SETTING: sandbox_database(),
        }


def sandbox_database() -> str:
    """The sandbox's own database, or the one given in the environment; that of `.env` is the real import's."""
    return os.environ.get(DATABASE_SETTING, str(DATABASE))


def receivers() -> dict[str, str]:
    """Trying things out alarms nobody: the receivers of `.env` are for the real import, those given here are meant."""
    return {name: os.environ.get(name, "") for name in RECEIVERS}


def use_sandbox_home() -> None:
    """Give Dagster a home of the sandbox's own: made-up people must not be in the history of the real import."""
    installed = Path(__file__).resolve().parents[2]
    files = (folder / PROJECT_FILE for folder in (installed, Path.cwd()))
    project = next((file.read_text(encoding="utf-8") for file in files if file.is_file()), "")
    text = project.replace(PROJECT_DAGSTER, DAGSTER.as_posix())
    file = DAGSTER / PROJECT_FILE
    DAGSTER.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
    os.environ[NAME] = str(DAGSTER.absolute())


@contextmanager
def served(*, port: int = 0) -> Iterator[Address]:
    """The sandbox's address: of one that is served already (by `make dev SANDBOX=1`), or of one served meanwhile.

    Raises:
        SettingsError: the port is taken, or the state that is kept is none.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked())
        except Timeout:
            yield noted_address()
            return
        yield stack.enter_context(served_here(port))


@contextmanager
def locked() -> Iterator[None]:
    """Be the only one who serves the sandbox.

    Raises:
        Timeout: somebody else serves it.
        StoreError: its folder takes no locks.
    """
    lock = file_lock(LOCK)
    with locking(FOLDER):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def served_here(port: int) -> Iterator[Address]:
    """Serve the sandbox, and note where; to be called by the holder of the lock.

    Raises:
        SettingsError: the port is taken, or the state that is kept is none.
    """
    from b24_pipeline.sandbox.server import kept_sandbox, serve  # noqa: PLC0415

    with ExitStack() as stack:
        try:
            server = stack.enter_context(serve(kept_sandbox(STATE), port=port))
        except ValueError as error:
            raise SettingsError(f"{error}: b24-pipeline sandbox --reset") from None
        except OSError as error:
            raise SettingsError(f"--port: port {port} of 127.0.0.1 cannot be used ({error.strerror})") from None
        address = Address(
            page_url=server.page_url,
            webhook_url=server.webhook_url,
            callgear_url=server.callgear_url,
            access_token=server.access_token,
        )
        write_private(ADDRESS, json.dumps({name: getattr(address, name) for name in Address.__slots__}))
        yield address


def address_in_use() -> Address | None:
    """Where another process serves the sandbox; None where nobody does.

    Raises:
        SettingsError: it has not noted it yet.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with locked():
            return None
    except Timeout:
        return noted_address()


def noted_address() -> Address:
    """Where the sandbox is served that another process serves.

    Raises:
        SettingsError: it has not noted it yet.
    """
    try:
        return Address(**json.loads(ADDRESS.read_text()))
    except (OSError, ValueError, TypeError):
        raise SettingsError(f"another sandbox is about to be served; try again in a moment ({ADDRESS})") from None


def reset_state() -> None:
    """Begin with the company as it was at first.

    Raises:
        SettingsError: somebody is using the company that is there.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with locked():
            STATE.unlink(missing_ok=True)
    except Timeout:
        raise SettingsError("--reset: the sandbox is being served by another process; stop that one first") from None


@contextmanager
def sandbox_settings() -> Iterator[Address]:
    """Within this block, the settings of this process name the sandbox."""
    with served() as address:
        before = dict(os.environ)
        os.environ.update(address.variables() | receivers())
        os.environ.pop(GIVEN, None)
        try:
            yield address
        finally:
            os.environ.clear()
            os.environ.update(before)


def write_private(path: Path, text: str) -> None:
    """Readable by its owner only."""
    path.touch(mode=0o600, exist_ok=True)
    path.chmod(0o600)
    path.write_text(text)
