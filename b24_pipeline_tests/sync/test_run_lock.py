"""R17: runs of one connection never overlap, however they are started."""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from b24_pipeline.audit.storage.lock import RunInProgress, owner_file, run_lock
from b24_pipeline_tests.harness import CLOCK, World


def hold(lock_file: Path) -> FileLock:
    """Another process's hold on the lock, as far as the operating system can tell."""
    lock = FileLock(lock_file, timeout=0, thread_local=False)
    lock.acquire()
    return lock


def test_r17_a_run_from_the_terminal_does_not_wait_for_another_one(world: World) -> None:
    with hold(world.paths.lock):
        result = world.run()

    assert (result.success, result.row, world.sandbox.requests) == (False, None, [])
    assert "another run is in progress" in result.failures()[0]


def test_r17_a_run_from_the_ui_waits_until_the_other_one_has_ended(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.hire("Lebedeva")
    other = hold(world.paths.lock)

    class EndOfTheOtherRun(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "waiting" in record.getMessage():
                other.release()

    with caplog.at_level(logging.DEBUG, logger="filelock"):
        logging.getLogger("filelock").addHandler(handler := EndOfTheOtherRun())
        result = world.run(trigger=None)
        logging.getLogger("filelock").removeHandler(handler)

    assert (result.status, result.counts.created) == ("done", 1)
    assert not other.is_locked


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_r17_one_database_under_two_names_is_one_lock(
    world: World, tmp_path_factory: pytest.TempPathFactory, linked: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "link"
    real = world.paths.published
    elsewhere.symlink_to(real if linked == "file" else real.parent)
    world.hire("Lebedeva")
    world.import_people()
    with hold(world.paths.lock):
        world.set(B24_PIPELINE_DATABASE=str(elsewhere if linked == "file" else elsewhere / real.name))
        refused = world.run()
    world.hire("Zimin")
    world.import_people()

    assert "another run is in progress" in refused.failures()[0]
    assert len(world.links()) == 2
    assert elsewhere.is_symlink()


def test_the_refusal_names_who_is_running_and_since_when(tmp_path: Path) -> None:
    lock_file, noon = tmp_path / "b24.lock", datetime(2026, 1, 12, 12, tzinfo=UTC)
    with run_lock(lock_file, owner="run 4711", now=noon):
        noted = json.loads(owner_file(lock_file).read_text())
    with hold(lock_file), pytest.raises(RunInProgress, match=r"run 4711, since 2026-01-12T12:00:00\+00:00"):
        run_lock(lock_file, owner="run 4712", now=noon).__enter__()

    assert noted == {"owner": "run 4711", "since": "2026-01-12T12:00:00+00:00", "pid": os.getpid()}


def test_a_lock_whose_owner_is_unreadable_still_refuses(tmp_path: Path) -> None:
    lock_file = tmp_path / "b24.lock"
    owner_file(lock_file).write_text("half a f")
    with hold(lock_file), pytest.raises(RunInProgress, match="not named"):
        run_lock(lock_file, owner="run 4712", now=CLOCK.now()).__enter__()


DIES_HOLDING = """
import os, signal, sys
from datetime import UTC, datetime
from datetime import UTC, datetime
from pathlib import Path
from b24_pipeline.audit.storage.lock import run_lock
with run_lock(Path(sys.argv[1]), owner="the dead", now=datetime.now(UTC)):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_r18_a_lock_left_by_a_killed_process_is_free(tmp_path: Path) -> None:
    lock_file = tmp_path / "b24.lock"
    killed = subprocess.run([sys.executable, "-c", DIES_HOLDING, str(lock_file)], check=False)
    assert (killed.returncode, "the dead" in owner_file(lock_file).read_text()) == (-9, True)

    with run_lock(lock_file, owner="run 4712", now=CLOCK.now()):
        assert "run 4712" in owner_file(lock_file).read_text()


def test_the_lock_is_free_after_a_run_that_failed(world: World) -> None:
    assert world.import_people().status == "untrusted"

    with hold(world.paths.lock) as lock:
        assert lock.is_locked


def test_the_lock_and_its_holder_are_private(tmp_path: Path) -> None:
    lock_file = tmp_path / "folder" / "b24.lock"
    with run_lock(lock_file, owner="run 4712", now=CLOCK.now()):
        modes = [oct(path.stat().st_mode & 0o777) for path in (lock_file, owner_file(lock_file))]

    assert modes == ["0o600", "0o600"]
