"""What tells that something was stored in a database; of lakes see `cluster/test_lake.py`."""

from dataclasses import replace
from pathlib import Path

from b24_pipeline.audit.storage.changes import change_marks
from b24_pipeline.audit.storage.lake import Lake
from b24_pipeline_tests.harness import World


def test_a_file_has_one_mark_until_something_is_stored_in_it(world: World) -> None:
    world.import_people()
    marks = change_marks([world.paths])
    assert change_marks([world.paths]) == marks

    world.hire("Newcomer")
    world.import_people()

    assert change_marks([world.paths]) != marks


def test_where_postgres_does_not_answer_its_lakes_may_have_changed_and_files_have_not(world: World) -> None:
    lake = Lake("postgresql://b24@127.0.0.1:1/b24_pipeline", "acme", "unused")
    paths = replace(world.paths, published=Path("lake.duckdb").absolute(), lake=lake)

    first, second = (change_marks([world.paths, paths]) for _ in range(2))

    assert (first[paths] == second[paths], first[world.paths] == second[world.paths]) == (False, True)
