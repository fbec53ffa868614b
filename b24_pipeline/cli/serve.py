"""`b24-pipeline sandbox`, `dev`, `daemon` and `webserver`: what goes on until it is stopped."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from b24_pipeline import settings
from b24_pipeline.cli.dagster import run_program, set_dagster_home
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.sandbox import receivers, reset_state, served, use_sandbox_home
from b24_pipeline.cli.webserver_guard import guard_webserver
from b24_pipeline.settings import SettingsError, SettingsIncomplete
from b24_pipeline.settings.env_precedence import AUTOMATION, OFF

LOOPBACK = "127.0.0.1"
WORKSPACE = "workspace.yaml"
POLL_SECONDS = 0.25


def sandbox(arguments: argparse.Namespace) -> Exit:
    """Serve the sandbox and print what to use."""
    if arguments.reset:
        reset_state()
    with served(port=arguments.port) as address:
        print(f"The page of both directories:  {address.page_url}\n")
        for name, value in address.variables().items():
            if value:
                print(f"{name}={value}")
        print("\nThe state is kept in data/sandbox. Stop with Ctrl-C.", flush=True)
        stop_signal().wait()
    return Exit.DONE


def dev(arguments: argparse.Namespace) -> Exit:
    """Start the web server and the daemon, with the sandbox beside them when asked."""
    if arguments.sandbox:
        use_sandbox_home()
    else:
        set_dagster_home()
    refuse_taken(LOOPBACK, arguments.port)
    with ExitStack() as stack:
        if arguments.sandbox:
            address = stack.enter_context(served(port=0))
            environment = {**os.environ, **address.variables(), **receivers()}
            print(f"The sandbox's page, to hire, edit and dismiss people: {address.page_url}", flush=True)
        else:
            environment = environment_of_real_systems()
        print(f"The Dagster UI: http://127.0.0.1:{arguments.port}", flush=True)
        return run_both(arguments, environment)


def daemon(arguments: argparse.Namespace) -> Exit:  # noqa: ARG001
    """Become Dagster's daemon: schedule, sensors and runs."""
    set_dagster_home()
    run_program("dagster-daemon", ["run", "-w", WORKSPACE])
    return Exit.DONE


def webserver(arguments: argparse.Namespace) -> Exit:
    """Become Dagster's web server, the UI, behind the guard against other web pages."""
    set_dagster_home()
    refuse_taken(arguments.host, arguments.port)
    guard_webserver(host=arguments.host, port=arguments.port, allowed_hosts=arguments.allowed_host)
    options = ["-h", arguments.host, "-p", str(arguments.port), "-w", WORKSPACE]
    run_program("dagster-webserver", [*options, "--read-only"] if arguments.read_only else options)
    return Exit.DONE


def run_both(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Exit:
    """Keep the web server and the daemon running until somebody stops us, or one of them ends.

    The daemon comes second: by then Dagster's files are there, which two processes cannot create at once.
    """
    stop = stop_signal()
    allowed_hosts = [f"--allowed-host={name}" for name in arguments.allowed_host]
    processes = [start(["webserver", f"--port={arguments.port}", *allowed_hosts], environment)]
    try:
        while not (is_listening(arguments.port) or stop.wait(POLL_SECONDS) or has_ended(processes)):
            pass
        if not (stop.is_set() or has_ended(processes)):
            processes.append(start(["daemon"], environment))
        while not (stop.wait(POLL_SECONDS) or has_ended(processes)):
            pass
        return Exit.DONE if stop.is_set() else exit_of(processes)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def start(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start one of our commands."""
    return subprocess.Popen([sys.executable, "-m", "b24_pipeline.cli", *arguments], env=environment)  # noqa: S603


def has_ended(processes: Sequence["subprocess.Popen[bytes]"]) -> bool:
    """Whether one of them has."""
    return any(process.poll() is not None for process in processes)


def exit_of(processes: Sequence["subprocess.Popen[bytes]"]) -> Exit:
    """What it means that one of them has ended: bad settings, of which it has said which, or a failure."""
    return Exit.USAGE if Exit.USAGE in [process.returncode for process in processes] else Exit.FAILED


def is_listening(port: int) -> bool:
    """Whether the web server can be reached."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def refuse_taken(host: str, port: int) -> None:
    """Dagster would go on without a UI, or end in a traceback.

    Raises:
        SettingsError: nobody can be served there.
    """
    try:
        ((family, *_, address),) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[:1]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except UnicodeError:
        raise SettingsError("--host: is no address to listen on. Example: --host 0.0.0.0") from None
    except OSError as error:
        raise SettingsError(f"--port: port {port} of {host} cannot be used ({error.strerror})") from None


def environment_of_real_systems() -> dict[str, str]:
    """What the UI and the daemon are started with: nobody is imported before somebody wants it."""
    warn_of_missing_settings()
    print("Schedule and sensor are off until somebody switches them on in the UI, on the page Automation.")
    return {**os.environ, AUTOMATION: OFF}


def warn_of_missing_settings() -> None:
    """The UI starts all the same: schedule and sensor skip, with the reason in words."""
    try:
        settings.load()
    except SettingsIncomplete as error:
        print(f"Settings are missing, so nothing is read or written:\n{error}\n", file=sys.stderr)


def stop_signal() -> threading.Event:
    """Is set by Ctrl-C, or by a polite request to stop."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
