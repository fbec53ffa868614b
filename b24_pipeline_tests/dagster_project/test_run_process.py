"""The process that Dagster starts for one run: in our own project it ends at once, in somebody else's as it likes."""

import atexit
import gc
import multiprocessing
from pathlib import Path
from typing import ClassVar

import dagster as dg
import pytest

from b24_pipeline.definitions import build_definitions
from b24_pipeline.resources import ImportRunResource
from b24_pipeline.short_process import GARBAGE
from b24_pipeline_tests.harness import World

USUAL_GARBAGE = gc.get_threshold()


class Embedded(ImportRunResource):
    """The import as a part of somebody else's project."""

    is_own_project: ClassVar[bool] = False


def one_run(resource: type[ImportRunResource], taken_apart: Path, garbage: Path) -> None:
    """Import once; tell how garbage was collected then, and whether Python takes the process apart at its end."""
    atexit.register(taken_apart.touch)
    job = build_definitions(resource).resolve_job_def("employee_import")
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    garbage.write_text(str(gc.get_threshold()))


@pytest.mark.long
@pytest.mark.parametrize(
    ("resource", "is_taken_apart", "garbage"),
    [(ImportRunResource, False, GARBAGE), (Embedded, True, USUAL_GARBAGE)],
)
def test_only_a_process_of_our_own_project_is_shortened(
    resource: type[ImportRunResource], is_taken_apart: bool, garbage: tuple[int, ...], world: World, tmp_path: Path
) -> None:
    newcomer = world.hire("Lebedeva")
    note, said = tmp_path / "taken_apart", tmp_path / "garbage"

    process = multiprocessing.get_context("spawn").Process(target=one_run, args=(resource, note, said))
    process.start()
    process.join()

    assert (process.exitcode, note.exists(), said.read_text()) == (0, is_taken_apart, str(garbage))
    assert newcomer in world.links()
