"""How long a person at the terminal waits before anything happens."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from b24_pipeline_tests.benchmarks.processes import PROJECT, Ended, run_command
from b24_pipeline_tests.benchmarks.quiet import B24_PIPELINE
from b24_pipeline_tests.benchmarks.report_rows import Line, at_most
from b24_pipeline_tests.benchmarks.seed import project_folder

ROUNDS = 5
MOST_HELP, MOST_SYNC = 0.4, 5.0
PROGRAM = B24_PIPELINE[0]


def runs(command: Sequence[str], folder: Path) -> list[Ended]:
    """The command, several times."""
    environment = {"DAGSTER_HOME": str(folder), "PYTHONPATH": str(PROJECT)}
    return [run_command(command, environment=environment, folder=folder) for _ in range(ROUNDS)]


def measure() -> Iterator[Line]:
    """`--help`, and a run against the sandbox in which nothing has changed."""
    with TemporaryDirectory() as name:
        folder = project_folder(Path(name))
        helped = median(run.seconds for run in runs((PROGRAM, "--help"), folder))
        yield at_most("`b24-pipeline --help`", helped, MOST_HELP, unit="s", digits=2)
        sync = (PROGRAM, "sync", "--sandbox", "--json")
        run_command(sync, environment={"DAGSTER_HOME": str(folder), "PYTHONPATH": str(PROJECT)}, folder=folder)
        quiet = median(run.seconds for run in runs(sync, folder))
        yield at_most("`b24-pipeline sync --sandbox`, nothing changed", quiet, MOST_SYNC, unit="s", digits=2)
