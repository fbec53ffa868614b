"""What the tests' own way of starting programs promises."""

import signal
import sys
from pathlib import Path

import psutil
import pytest

from b24_pipeline_tests.processes import PORTS, START_SECONDS, free_port, started, wait_for

HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_a_program_that_ends_too_early_is_told_at_once_with_what_it_printed(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('the port is taken')")
    with (
        pytest.raises(AssertionError, match=r"(?s)ended with 1 before: the UI.*the port is taken"),
        started(*command, log=tmp_path / "log") as process,
    ):
        wait_for("the UI", lambda: False, seconds=START_SECONDS, process=process)


def test_what_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    with started("sh", "-c", "sleep 600 & echo $!; wait", log=tmp_path / "log") as process:
        child = psutil.Process(int(wait_for("the child", (tmp_path / "log").read_text, seconds=START_SECONDS)))

    assert (process.returncode, psutil.wait_procs([child], timeout=START_SECONDS)[1]) == (-signal.SIGTERM, [])


@pytest.mark.skipif(not HANDED_OUT.exists(), reason="another system chooses ports otherwise")
def test_a_port_for_a_server_is_none_that_the_system_gives_to_others() -> None:
    first = int(HANDED_OUT.read_text().split()[0])
    assert free_port() in PORTS
    assert PORTS.stop <= first
