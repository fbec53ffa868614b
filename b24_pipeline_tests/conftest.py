"""What the tests of the whole chain share. Dagster is loaded only by the tests that run it."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from b24_pipeline.sandbox import Sandbox, Server
    from b24_pipeline_tests.clock import Clock
    from b24_pipeline_tests.faults.kill import ForkServer
    from b24_pipeline_tests.harness import World

WHOLE = bool(os.environ.get("B24_PIPELINE_WHOLE_MATRIX"))
"""Whether every case is tried (`make matrix`) or a sample of those that are many and alike (`make test`)."""

TOGETHER = {
    "b24_pipeline_tests/faults/": "forked",
    "b24_pipeline_tests/security/": "forked",
    "b24_pipeline_tests/reporting/": "reporting",
    "b24_pipeline_tests/rules/test_purity.py": "purity",
    "b24_pipeline_tests/package/test_wheel.py": "wheel",
}
"""Folders and files whose tests share something that takes seconds to make, and what one worker gets them as."""


IN_MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""Bytes that must be free there. What passed is removed at once."""


def pytest_configure() -> None:
    """Keep the tests' files in memory where there is room: a run commits dozens of times, and waits for the disk."""
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


class SharingOut(LoadScopeScheduling):  # type: ignore[misc]
    """Hands tests out to the workers one by one, but those that stay `TOGETHER` to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next((scope for start, scope in TOGETHER.items() if nodeid.startswith(start)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharingOut:
    """Tests that share something slow stay on one worker; pytest-xdist's own marks need an older pytest."""
    return SharingOut(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out all but every n-th case of a test marked `sampled(n)`, unless everything is asked for."""
    if WHOLE:
        return
    seen: Counter[str] = Counter()
    left_out = []
    for item in items:
        if sampled := item.get_closest_marker("sampled"):
            name = item.nodeid.partition("[")[0]
            left_out += [item] if seen[name] % sampled.args[0] else []
            seen[name] += 1
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays until the end: the modules of Dagster and pandas, the tests."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let everything go in order at the end: what is held until then DuckDB reports as leaked, in 43 lines.

    Hypothesis's callback holds all modules until the very end.
    """
    gc.unfreeze()
    gc.callbacks.clear()


@pytest.fixture
def sandbox(clock: "Clock") -> "Sandbox":
    """A portal and an account in the time of a folder's tests."""
    from b24_pipeline.sandbox import Sandbox  # noqa: PLC0415

    return Sandbox(clock=clock)


@pytest.fixture
def server(sandbox: "Sandbox") -> Iterator["Server"]:
    """Both over real HTTP."""
    from b24_pipeline.sandbox import serve  # noqa: PLC0415

    with serve(sandbox) as running:
        yield running


@pytest.fixture(scope="session")
def fork_server() -> Iterator["ForkServer"]:
    """Forks the commands and runs that are to be processes of their own; it takes seconds to load everything."""
    from b24_pipeline_tests.faults.kill import ForkServer  # noqa: PLC0415

    with ForkServer() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["World"]:
    """An empty portal and an empty account, with everything that stands between them."""
    from b24_pipeline_tests.harness import world_in  # noqa: PLC0415

    with world_in(tmp_path, environment=monkeypatch) as found:
        yield found


@pytest.fixture(scope="session")
def after_an_import(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that an import of nine people leaves behind: made once, copied by `imported`."""
    from b24_pipeline_tests.harness import HALF_AN_HOUR, world_in  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("after_an_import")
    with pytest.MonkeyPatch.context() as environment, world_in(folder, environment=environment) as world:
        world.clock.seconds -= HALF_AN_HOUR
        world.hire_many(9)
        assert world.run().status == "done"
        world.keep()
    return folder


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_an_import: Path) -> Iterator["World"]:
    """A world half an hour after its first import: users 1 to 9 ("Person1" ...) are linked, none has a phone."""
    from b24_pipeline_tests.harness import world_like  # noqa: PLC0415

    with world_like(after_an_import, tmp_path, environment=monkeypatch) as found:
        yield found
