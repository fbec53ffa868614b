"""`b24-pipeline sandbox`, `dev`, `daemon` and `webserver`: what goes on until it is stopped."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

from b24_pipeline import settings
from b24_pipeline.cli.dagster_programs import command, run_program, set_dagster_home
from b24_pipeline.cli.exits import Exit
from b24_pipeline.cli.sandbox_use import receivers, reset_state, served
from b24_pipeline.settings import SettingsError, SettingsIncomplete

LOOPBACK = "127.0.0.1"
WORKSPACE = "workspace.yaml"


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
        wait_for_a_signal()
    return Exit.DONE


def dev(arguments: argparse.Namespace) -> Exit:
    """Start `dagster dev`, with the sandbox beside it when asked."""
    set_dagster_home()
    refuse_taken(LOOPBACK, arguments.port)
    with ExitStack() as stack:
        environment = dict(os.environ)
        if arguments.sandbox:
            address = stack.enter_context(served(port=0))
            environment |= address.variables() | receivers()
            print(f"The sandbox's page, to hire, edit and dismiss people: {address.page_url}", flush=True)
        else:
            warn_of_missing_settings()
        print(f"The Dagster UI: http://127.0.0.1:{arguments.port}", flush=True)
        dagster_dev = command("dagster", "dev", "-h", LOOPBACK, "-p", str(arguments.port), "-w", WORKSPACE)
        with subprocess.Popen(dagster_dev, env=environment) as process:  # noqa: S603
            return Exit.DONE if stopped_gently(process) else Exit.FAILED


def daemon(arguments: argparse.Namespace) -> Exit:  # noqa: ARG001
    """Become Dagster's daemon: schedule, sensors and runs."""
    set_dagster_home()
    run_program("dagster._daemon", ["run", "-w", WORKSPACE])
    return Exit.DONE


def webserver(arguments: argparse.Namespace) -> Exit:
    """Become Dagster's web server: the UI."""
    set_dagster_home()
    refuse_taken(arguments.host, arguments.port)
    options = ["-h", arguments.host, "-p", str(arguments.port), "-w", WORKSPACE]
    run_program("dagster_webserver", [*options, "--read-only"] if arguments.read_only else options)
    return Exit.DONE


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


def stopped_gently(process: "subprocess.Popen[bytes]") -> bool:
    """Wait for the process; pass on the wish to stop, and wait for it again."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: process.send_signal(signal.SIGINT))
    return process.wait() in (0, 130, -signal.SIGINT)


def warn_of_missing_settings() -> None:
    """The UI starts all the same: schedule and sensor skip, with the reason in words."""
    try:
        settings.load()
    except SettingsIncomplete as error:
        print(f"Settings are missing, so nothing is read or written:\n{error}\n", file=sys.stderr)


def wait_for_a_signal() -> None:
    """Until Ctrl-C, or a polite request to stop."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
