"""What the daemon of a machine finds in its ticks: each line of stdin is one, half a minute after the one before.

    python -m b24_pipeline_tests.cluster.ticks

It needs the lake's DuckDB, so it is a process of its own.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from b24_pipeline import settings
from b24_pipeline.alerts.notify import Memory
from b24_pipeline.connection import utc_now
from b24_pipeline.connection_health import ConnectionHealth
from b24_pipeline.portal_polling import Portals
from b24_pipeline_tests.cluster.conftest import Machine

Found = dict[str, dict[str, Any]]
"""By connection: its conditions, whether its audit was read, and whether a run is wanted."""


@contextmanager
def ticks_on(machine: Machine) -> Iterator[Callable[[], Found]]:
    """Start such a process; gives what lets a tick pass."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(
        command, cwd=machine.folder, env=machine.variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def tick() -> Found:
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            process.stdin.flush()
            found: Found = json.loads(process.stdout.readline())
            return found

        yield tick


def main() -> None:
    """Keep between the ticks what the daemon keeps."""
    folder = settings.connections()
    assert folder
    health, portals, memory, cursor, before = ConnectionHealth(folder), Portals(folder), Memory(), None, {}
    for number, _ in enumerate(sys.stdin):
        now = utc_now() + number * timedelta(seconds=30)
        reports, memory = health.reports(memory, now=now, lost={})
        polled = portals.poll(folder.keys, cursor=cursor)
        found = {
            key: {
                "conditions": [condition.state for condition in report.conditions],
                "read": report is not before.get(key),
                "wanted": polled.found[key].run_wanted,
            }
            for key, report in reports.items()
        }
        sys.stdout.write(f"{json.dumps(found)}\n")
        sys.stdout.flush()
        before, cursor = reports, polled.cursor


if __name__ == "__main__":
    main()
