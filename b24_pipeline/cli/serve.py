"""The commands that run until they are stopped: `sandbox`, `dev`, `daemon`, `webserver`; and `env` for a shell."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from filelock import Timeout

from b24_pipeline import settings
from b24_pipeline.cli.dagster import run_program, set_dagster_home
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.sandbox import (
    STATE,
    Address,
    locked,
    receivers,
    sandbox_path,
    served,
    stored_address,
    use_sandbox_home,
)
from b24_pipeline.cli.webserver_guard import guard_webserver
from b24_pipeline.project_folder import SHIPPED, WORKSPACE
from b24_pipeline.settings import SettingsError, SettingsIncomplete
from b24_pipeline.settings.dagster import AUTOMATION, HOME_VARIABLE, OFF

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.25
NOT_SERVED = Address(page_url="", webhook_url="", callgear_url="http://127.0.0.1", access_token="")
"""Settings without credentials, so that nothing can reach the real systems."""


def sandbox(*, port: int, reset: bool) -> Exit:
    if reset:
        try:
            with locked():
                sandbox_path(STATE).unlink(missing_ok=True)
        except Timeout:
            raise SettingsError("--reset: the sandbox is used by another process; stop it first") from None
    with served(port=port) as address:
        print(f"Page with both directories:  {address.page_url}\n")
        for name, value in address.variables().items():
            if value:
                print(f"{name}={value}")
        print(f"\nThe demo data is in {sandbox_path(STATE).parent}. Stop with Ctrl-C.", flush=True)
        stop_signal().wait()
    return Exit.DONE


def dev(*, sandbox: bool, port: int, allowed_host: tuple[str, ...]) -> Exit:
    if sandbox:
        use_sandbox_home()
    else:
        set_dagster_home()
    check_port_free(LOOPBACK, port)
    with ExitStack() as stack:
        if sandbox:
            address = stack.enter_context(served(port=0))
            environment = {**os.environ, **address.variables(), **receivers()}
            print(f"To hire, edit and dismiss people: {address.page_url}", flush=True)
        else:
            environment = environment_of_real_systems()
        print(f"The Dagster UI: http://127.0.0.1:{port}", flush=True)
        return run_both(environment, port=port, allowed_hosts=allowed_host)


def daemon() -> Exit:
    set_dagster_home()
    run_program("dagster-daemon", ["run", "-w", workspace()])
    return Exit.DONE


def webserver(*, host: str, port: int, read_only: bool, allowed_host: tuple[str, ...]) -> Exit:
    set_dagster_home()
    check_port_free(host, port)
    guard_webserver(host=host, port=port, allowed_hosts=allowed_host)
    options = ["-h", host, "-p", str(port), "-w", workspace()]
    run_program("dagster-webserver", [*options, "--read-only"] if read_only else options)
    return Exit.DONE


def workspace() -> str:
    """Return the workspace of the project folder, where we are; elsewhere the one that the package brings."""
    return str(SHIPPED / WORKSPACE if settings.folders().own_folder else WORKSPACE)


def run_both(environment: Mapping[str, str], *, port: int, allowed_hosts: Sequence[str]) -> Exit:
    """Run the web server and the daemon until they are stopped, or one of them ends.

    The daemon comes second: by then Dagster's files are there, which two processes cannot create at once.
    """
    stop = stop_signal()
    hosts = [f"--allowed-host={name}" for name in allowed_hosts]
    processes = [start(["webserver", f"--port={port}", *hosts], environment)]
    try:
        while not (is_listening(port) or stop.wait(POLL_SECONDS) or has_ended(processes)):
            pass
        if not (stop.is_set() or has_ended(processes)):
            processes.append(start(["daemon"], environment))
        while not (stop.wait(POLL_SECONDS) or has_ended(processes)):
            pass
        if stop.is_set():
            return Exit.DONE
        return Exit.USAGE if Exit.USAGE in [process.returncode for process in processes] else Exit.FAILED
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def start(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "b24_pipeline.cli", *arguments], env=environment)  # noqa: S603


def has_ended(processes: Sequence["subprocess.Popen[bytes]"]) -> bool:
    return any(process.poll() is not None for process in processes)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def check_port_free(host: str, port: int) -> None:
    """Check that the port is free: Dagster would run without a UI, or end in a traceback.

    Raises:
        SettingsError: it is not.
    """
    try:
        ((family, *_, address),) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[:1]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except UnicodeError:
        raise SettingsError("--host: is not an address to listen on. Example: --host 0.0.0.0") from None
    except OSError as error:
        raise SettingsError(f"--port: port {port} of {host} cannot be used ({error.strerror})") from None


def environment_of_real_systems() -> dict[str, str]:
    """Return the environment of the UI and the daemon, with schedule and sensor off."""
    folder = settings.connections()
    if folder is not None:
        for problem in (*folder.misnamed(), *settings.load_all(folder)[1]):
            print(f"b24-pipeline: {problem}", file=sys.stderr)
    else:
        try:
            settings.load()
        except SettingsIncomplete as error:
            print(f"Not configured:\n{error}\n", file=sys.stderr)
    print("Schedule and sensor are off; switch them on in the UI, on the page Automation.")
    return {**os.environ, AUTOMATION: OFF}


def stop_signal() -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def env(*, sandbox: bool) -> Exit:
    """Print an `export` for each variable, for `eval`; settings of the real import are read where they stand.

    Raises:
        SettingsError: DAGSTER_HOME is not a folder.
    """
    if sandbox:
        try:
            with locked():
                address = NOT_SERVED
                print("b24-pipeline: the sandbox is not running; start it with: b24-pipeline sandbox", file=sys.stderr)
        except Timeout:
            address = stored_address()
        use_sandbox_home()
        given = address.variables() | receivers()
        variables = settings.protect_given_environment(given)  # from the `.env` that Dagster's commands put over it
    else:
        set_dagster_home()
        variables = {}
    for name, value in {HOME_VARIABLE: os.environ[HOME_VARIABLE], **variables}.items():
        print(f"export {name}={shlex.quote(value)}")
    return Exit.DONE
