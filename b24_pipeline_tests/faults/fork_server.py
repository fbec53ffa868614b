"""A process that has imported everything and forks a child for each run: a real process to kill, within 10 ms.

Started with `python -m b24_pipeline_tests.faults.fork_server`, it reads one order a line and answers with two lines:
the child's process id, and how it ended (a negative number is the signal that ended it).
"""

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

import b24_pipeline.cli.errors
import b24_pipeline.cli.sync  # noqa: F401 - so that no child has to load it
from b24_pipeline import schemas
from b24_pipeline.audit import Paths, Store
from b24_pipeline.bitrix24.rate_limit import LeakyBucket
from b24_pipeline.cli import main
from b24_pipeline.connection import Timing, default_ssl_context
from b24_pipeline.settings import Settings
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.harness import STEPS, import_once, world_in

FAILED = 3
CAPABILITIES_VERSION_3 = 0x20080522


def serve_orders() -> None:
    """Until there are no more orders; what the children say goes to standard error.

    What every child needs is loaded before; the garbage collector leaves it alone, for a child would copy its pages.
    """
    httpx.Client(verify=default_ssl_context()).close()
    for model in schemas.Frame.__subclasses__():
        schemas.empty_frame(model)
    warm_up()
    gc.collect()
    gc.freeze()
    for order in map(json.loads, sys.stdin):
        child = os.fork()
        if child == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            os._exit(carried_out(order))
        answer(child)
        _, status = os.waitpid(child, 0)
        answer(os.waitstatus_to_exitcode(status))


def warm_up() -> None:
    """Import once and draw the report: what is loaded, compiled and remembered on the way is every child's."""
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as environment,
        world_in(Path(folder), environment=environment) as world,
    ):
        world.hire("Lebedeva")
        world.run(assets=(*STEPS, "import_report"))


def answer(number: int) -> None:
    """One line."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def carried_out(order: Mapping[str, Any]) -> int:
    """Do what was ordered, in the child; gives the exit code."""
    try:
        restrict(order)
        return command_line(order) if "arguments" in order else run_of_chain(order)
    except BaseException:  # noqa: BLE001 - a child must never come back into the loop
        traceback.print_exc()
        return FAILED


def restrict(order: Mapping[str, Any]) -> None:
    """A disk that is full beyond so many bytes a file; a user whom the modes of files bind, which root is not."""
    if "file_size_limit" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size_limit"],) * 2)
    if order.get("powerless") and os.geteuid() == 0:
        drop_capabilities()


def drop_capabilities() -> None:
    """Give up root's right to pass over the modes of files; it stays their owner."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def command_line(order: Mapping[str, Any]) -> int:
    """`b24-pipeline` with these arguments, in this folder and environment; standard output goes to a file."""
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    with open(order["output"], "w", encoding="utf-8") as output:  # noqa: PTH123
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        return main(order["arguments"])


def run_of_chain(order: Mapping[str, Any]) -> int:
    """One run of the chain at a given time."""
    clock = Clock()
    clock.seconds = order["seconds"]
    settings = Settings(_env_file=None, **order["settings"])  # type: ignore[call-arg]
    bucket = LeakyBucket(capacity=1_000_000, clock=clock, sleep=clock.sleep)
    timing = Timing(unix=clock, monotonic=clock, sleep=clock.sleep, bucket_of=lambda _: bucket)
    with Store.open(Paths(settings.database), now=clock.now) as store:
        import_once(settings, store, run_id=order["run_id"], timing=timing)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve_orders()
