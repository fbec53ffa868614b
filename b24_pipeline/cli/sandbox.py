"""The sandbox in place of the real systems: its own addresses, credentials and database, for this process only."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import Timeout

from b24_pipeline import settings
from b24_pipeline.audit.storage.files import write_private
from b24_pipeline.audit.storage.lock import file_lock, locking
from b24_pipeline.cli.dagster import keep_cache, made_home
from b24_pipeline.cli.options import Place
from b24_pipeline.settings import Settings, SettingsError
from b24_pipeline.settings.connections import DATABASE, DATABASE_FILE, FOLDER_VARIABLE
from b24_pipeline.settings.dagster import GIVEN, HOME_VARIABLE

STATE, LOCK, ADDRESS = "state.json", "serving.lock", "address.json"
RECEIVERS = ("B24_PIPELINE_ALERT_WEBHOOK_URL", "B24_PIPELINE_ALERT_EMAIL_TO")


@dataclass(frozen=True, slots=True)
class Address:
    """The addresses of the running sandbox, and its credentials."""

    page_url: str
    webhook_url: str
    callgear_url: str
    access_token: str

    def variables(self) -> dict[str, str]:
        return {
            "BITRIX24_WEBHOOK_URL": self.webhook_url,
            "BITRIX24_WEBHOOK_URL_FILE": "",
            "CALLGEAR_API_URL": self.callgear_url,
            "CALLGEAR_ACCESS_TOKEN": self.access_token,
            "CALLGEAR_ACCESS_TOKEN_FILE": "",
            "CALLGEAR_USER_ID": "",
            DATABASE: sandbox_database(),
            "B24_PIPELINE_LAKE": "",
            FOLDER_VARIABLE: "",
        }


def sandbox_path(name: str) -> Path:
    return settings.folders().data_folder / "sandbox" / name


def sandbox_database() -> str:
    """Return the sandbox's own database, or that of the environment; that of `.env` is the real import's."""
    return os.environ.get(DATABASE, str(sandbox_path(DATABASE_FILE)))


def receivers() -> dict[str, str]:
    """Return the receivers of alerts given in the environment; those of `.env` are for the real import."""
    return {name: os.environ.get(name, "") for name in RECEIVERS}


def use_sandbox_home() -> None:
    """Give the sandbox a home of Dagster of its own: demo people must not be among the runs of the real import."""
    keep_cache()
    os.environ[HOME_VARIABLE] = str(made_home(sandbox_path("dagster")))


@contextmanager
def served(*, port: int = 0) -> Iterator[Address]:
    """Use the running sandbox (of `make dev SANDBOX=1`), or run one for as long as the block lasts.

    Raises:
        SettingsError: the port is taken, or the demo data is damaged.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked())
        except Timeout:
            yield stored_address()
            return
        from b24_pipeline.sandbox.server import kept_sandbox, serve  # noqa: PLC0415

        try:
            server = stack.enter_context(serve(kept_sandbox(sandbox_path(STATE)), port=port))
        except ValueError as error:
            raise SettingsError(f"{error}: b24-pipeline sandbox --reset") from None
        except OSError as error:
            raise SettingsError(f"--port: port {port} of 127.0.0.1 cannot be used ({error.strerror})") from None
        address = Address(server.page_url, server.webhook_url, server.callgear_url, server.access_token)
        write_private(sandbox_path(ADDRESS), json.dumps(asdict(address)))
        yield address


@contextmanager
def locked() -> Iterator[None]:
    """Own the lock of the running sandbox.

    Raises:
        Timeout: another process owns it.
        StoreError: its folder does not support locks.
    """
    path = sandbox_path(LOCK)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locking(path):
        acquired = file_lock(path).acquire()
    with acquired:
        yield


def stored_address() -> Address:
    """Return the address of the sandbox that another process runs.

    Raises:
        SettingsError: it has not stored them yet.
    """
    try:
        return Address(**json.loads(sandbox_path(ADDRESS).read_text()))
    except (OSError, ValueError, TypeError):
        raise SettingsError(f"another sandbox is starting; try again in a moment ({sandbox_path(ADDRESS)})") from None


@contextmanager
def settings_of(place: Place) -> Iterator[Settings]:
    """Load the settings of a place; within this block, those of this process are the same.

    Raises:
        SettingsError: they are not usable.
    """
    with sandbox_settings() if place.sandbox else nullcontext():
        yield settings.load(place.connection)


@contextmanager
def sandbox_settings() -> Iterator[Address]:
    """Within this block, the settings of this process are those of the sandbox."""
    with served() as address:
        before = dict(os.environ)
        os.environ.update(address.variables() | receivers())
        os.environ.pop(GIVEN, None)
        try:
            yield address
        finally:
            os.environ.clear()
            os.environ.update(before)
