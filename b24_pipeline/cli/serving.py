"""`b24-pipeline sandbox` and `b24-pipeline dev`: what is served on 127.0.0.1 until Ctrl-C."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

from b24_pipeline import settings
from b24_pipeline.cli.exits import Exit
from b24_pipeline.cli.sandbox_use import STATE, receivers, served
from b24_pipeline.settings import SettingsIncomplete, protect_given_environment


def sandbox(arguments: argparse.Namespace) -> Exit:
    """Serve the sandbox and print what to use."""
    if arguments.reset:
        STATE.unlink(missing_ok=True)
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
    with ExitStack() as stack:
        environment = dict(os.environ)
        if arguments.sandbox:
            address = stack.enter_context(served(port=0))
            environment |= address.variables() | receivers()
            print(f"The sandbox's page, to hire, edit and dismiss people: {address.page_url}", flush=True)
        else:
            warn_of_missing_settings()
        print(f"The Dagster UI: http://127.0.0.1:{arguments.port}", flush=True)
        command = [
            sys.executable,
            "-m",
            "dagster",
            "dev",
            "-h",
            "127.0.0.1",
            "-p",
            str(arguments.port),
            "-w",
            "workspace.yaml",
        ]
        with subprocess.Popen(command, env=protect_given_environment(environment)) as process:  # noqa: S603
            return Exit.DONE if stopped_gently(process) else Exit.FAILED


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
