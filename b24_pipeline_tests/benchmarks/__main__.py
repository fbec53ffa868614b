"""`make bench`: measure, print the table, and write docs/internals/benchmarks.md when asked to."""

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console

from b24_pipeline_tests.benchmarks import (
    celery_round,
    decide,
    fetch,
    first_import,
    growth,
    many,
    postgres,
    quiet,
    start_up,
    year,
)
from b24_pipeline_tests.benchmarks.page import PAGE, Measured, write
from b24_pipeline_tests.benchmarks.processes import machine
from b24_pipeline_tests.benchmarks.report_rows import Line, terminal_table
from b24_pipeline_tests.cluster import engines

PARTS: dict[str, tuple[str, Callable[[], Iterator[Line]]]] = {
    "start-up": ("Start-up", start_up.measure),
    "fetch": ("Fetching all users", fetch.measure),
    "quiet": ("A quiet run", quiet.measure),
    "postgres": ("A quiet run with Postgres behind pgbouncer", postgres.measure),
    "many": ("Many connections", many.measure),
    "celery": ("Many connections with Celery", celery_round.measure),
    "growth": ("What runs leave behind", growth.measure),
    "import": ("A first import", first_import.measure),
    "decide": ("Normalize, match and plan", decide.measure),
    "year": ("A year of runs", year.measure),
}
WITH_SERVERS = frozenset({"postgres", "celery", "growth"})
"""Parts that need what `make setup-cluster` installs."""
PACKAGES = ("dagster", "pandas", "duckdb", "httpx", "fast-bitrix24")


def circumstances() -> str:
    """Where and with what it was measured, in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{machine()}; Python {platform.python_version()}, {packages}"


def measured(part: str, console: Console) -> Measured:
    """One part, printed as soon as it is there."""
    title, measure = PARTS[part]
    console.print(f"[dim]measuring: {title} ...")
    began = time.perf_counter()
    lines = list(measure())
    console.print(terminal_table(title, lines))
    console.print(f"[dim]{time.perf_counter() - began:.0f} s\n")
    return Measured(
        part, lines, command=f"make bench ONLY={part}", date=datetime.now(UTC).date(), circumstances=circumstances()
    )


def main() -> int:
    """0 when every target was reached."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    chosen = parser.parse_args()
    console = Console(highlight=False, width=200)
    console.print(circumstances())
    possible = [part for part in PARTS if part not in WITH_SERVERS or not engines.missing()]
    results = [measured(part, console) for part in chosen.only or possible]
    if chosen.write:
        write(results)
    missed = [line.what for result in results for line in result.lines if line.reached is False]
    console.print(f"missed: {'; '.join(missed)}" if missed else "every target was reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
