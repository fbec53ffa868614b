"""Using the sandbox in place of the real systems: its own address, credentials and database, for this process only."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from b24_pipeline.settings.given import GIVEN

FOLDER = Path("data/sandbox")
STATE = FOLDER / "state.json"
LOCK = FOLDER / "serving.lock"
ADDRESS = FOLDER / "address.json"
DATABASE = FOLDER / "b24_pipeline.duckdb"
DATABASE_SETTING = "B24_PIPELINE_DATABASE"
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


@contextmanager
def served(*, port: int = 0) -> Iterator[Address]:
    """The sandbox's address: of one that is served already (by `make dev SANDBOX=1`), or of one served meanwhile."""
    from b24_pipeline.sandbox.server import kept_sandbox, serve  # noqa: PLC0415

    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCK)
    with ExitStack() as stack:
        try:
            stack.enter_context(lock.acquire(timeout=0))
        except Timeout:
            yield Address(**json.loads(ADDRESS.read_text()))
            return
        server = stack.enter_context(serve(kept_sandbox(STATE), port=port))
        address = Address(
            page_url=server.page_url,
            webhook_url=server.webhook_url,
            callgear_url=server.callgear_url,
            access_token=server.access_token,
        )
        write_private(ADDRESS, json.dumps({name: getattr(address, name) for name in Address.__slots__}))
        yield address


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
