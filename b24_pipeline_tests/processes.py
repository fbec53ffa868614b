"""Programs that tests start, the ports that they listen on, and how to wait for what they do."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 120
RUN_SECONDS = 180
END_SECONDS = 60
PORTS = range(20_000, 32_768)
"""Below those that Linux gives to outgoing connections and to servers that ask for any port: other tests have many."""
SHOWN = 3_000
"""Characters of what a program printed last."""


def installed(name: str) -> str:
    """Return the path of a program of the environment that the tests run in."""
    return str(Path(sys.executable).with_name(name))


@contextmanager
def started(
    *command: str, log: Path, end: signal.Signals = signal.SIGTERM, **given: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the block ends; what it printed is shown where the block fails.

    Args:
        command: the program with its arguments.
        log: the file to which it prints.
        end: how the program and all that it has started are told to end; what stays is killed.
        given: what `subprocess.Popen` takes.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **given)
    try:
        yield process
    except AssertionError as error:
        raise AssertionError(f"{error}\n{log.read_text(errors='replace')[-SHOWN:]}") from error
    finally:
        if process.returncode is None:  # else its number may be another program's by now
            os.killpg(process.pid, end)
            with suppress(AssertionError):
                wait_for(f"the end of {command[0]}", lambda: has_ended(process), seconds=END_SECONDS)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Return whether a program has ended; its number stays its own, and that of all that it has started."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def wait_for(
    what: str, condition: Callable[[], Any], *, seconds: float, process: "subprocess.Popen[bytes] | None" = None
) -> Any:
    """Return the condition's first true value; the outside world has no other clock.

    Raises:
        AssertionError: it was never true, or the process that is to make it true has ended.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event().wait
    while time.monotonic() < deadline:
        code = process and process.poll()
        try:
            found = condition()
        except (httpx.HTTPError, OSError, KeyError, ValueError):
            found = None
        if found:
            return found
        if code is not None:
            raise AssertionError(f"the process ended with {code} before: {what}")
        pause(0.25)
    raise AssertionError(f"waited {seconds:.0f} s for: {what}")


def free_port() -> int:
    """Return a port on which nobody listens, and that nobody is given until a program of the test takes it."""
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def is_listening(port: int) -> bool:
    """Return whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
