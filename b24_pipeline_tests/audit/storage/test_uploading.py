"""The published file in an object store."""

import re
from pathlib import Path

import duckdb
import fsspec
import pytest

from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.storage.exceptions import NotUploaded
from b24_pipeline.settings import SettingsError, database_settings
from b24_pipeline_tests.harness import CLOCK, World


def test_each_published_file_replaces_the_one_in_the_store(world: World, tmp_path: Path) -> None:
    world.set(B24_PIPELINE_PUBLISH="memory://bucket/b24/")
    for name in ("Anna", "Bella"):
        world.hire(name)
        world.import_people()

    fsspec.filesystem("memory").get("/bucket/b24/b24_pipeline.duckdb", str(tmp_path / "fetched.duckdb"))

    with duckdb.connect(tmp_path / "fetched.duckdb", read_only=True) as people:
        assert people.execute("SELECT count(*) FROM audit.links").fetchall() == [(2,)]


def test_an_import_says_that_the_copy_was_not_replaced_and_keeps_its_result(world: World) -> None:
    world.set(B24_PIPELINE_PUBLISH="gs://needs-a-package/x")
    world.hire("Anna")

    found = world.import_people()

    assert found.status == "done"
    assert re.fullmatch(
        r"The database was not published to gs://needs-a-package/x/b24_pipeline.duckdb, where the one before stays: .+",
        found.row["reason"],
    )


def test_what_is_published_without_a_run_says_so_too(world: World) -> None:
    world.import_people()
    paths = Paths(world.paths.published, copy="unheard://of/it.duckdb")
    with (
        Store.open(paths, now=CLOCK.now) as store,
        pytest.raises(NotUploaded, match="not published to unheard://of/it"),
    ):
        store.publish()


@pytest.mark.parametrize("value", ["data/copies", "s3://key:secret@bucket/x", "s3:/bucket"])
def test_only_an_address_without_a_password_is_taken(world: World, value: str) -> None:
    world.set(B24_PIPELINE_PUBLISH=value)
    with pytest.raises(SettingsError, match="B24_PIPELINE_PUBLISH: must be the address of an object store"):
        database_settings()
