"""The lake's data and the published database in a bucket of S3."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from b24_pipeline_tests.cluster.conftest import Machine, links_in, places_of, readable, result_of
from b24_pipeline_tests.cluster.engines import Postgres
from b24_pipeline_tests.harness import World
from b24_pipeline_tests.object_store import bucket_of, s3_server

pytestmark = pytest.mark.cluster
MORE_THAN_THE_CATALOG_TAKES = 1001


@pytest.fixture
def s3() -> Iterator[dict[str, str]]:
    """The variables that lead to a server of this machine, with a bucket."""
    with s3_server() as variables:
        bucket_of(variables).mkdir("lake")
        yield variables


@pytest.fixture
def with_bucket(machines: list[Machine], s3: dict[str, str]) -> list[Machine]:
    """Two machines that share nothing but Postgres and the bucket."""
    places = {"B24_PIPELINE_LAKE_DATA": "s3://lake/data", "B24_PIPELINE_PUBLISH": "s3://lake/published/"}
    return [replace(machine, environment=machine.environment | s3 | places) for machine in machines]


def test_machines_share_data_and_the_published_database_in_a_bucket(
    with_bucket: list[Machine], s3: dict[str, str], world: World, postgres: Postgres, tmp_path: Path
) -> None:
    one, two = with_bucket
    for _ in range(MORE_THAN_THE_CATALOG_TAKES):
        world.hire(None)
    users = world.hire_many(2)

    first, second = (machine.type("sync", "--json") for machine in (one, two))

    assert [result_of(said)["counts"]["users"] for said in (first, second)] == [1003, 1003]
    assert (first.stderr, second.stderr, len(world.writes())) == ("", "", 2)
    bucket = bucket_of(s3)
    assert bucket.glob("lake/data/**/*.parquet")
    bucket.get("lake/published/acme.duckdb", str(tmp_path / "b24.duckdb"))
    assert links_in(tmp_path / "b24.duckdb") == users
    assert places_of(s3["AWS_SECRET_ACCESS_KEY"], readable(one, postgres, shown="")) == []


def test_a_bucket_that_is_away_is_one_line_and_nothing_is_written(with_bucket: list[Machine], world: World) -> None:
    world.hire_many(2)

    said = with_bucket[0].type("sync", "--json", AWS_ENDPOINT_URL="http://127.0.0.1:1")

    assert (said.returncode, world.writes()) == (50, [])
    (line,) = said.stderr.splitlines()
    assert "HTTP PUT to 'http://127.0.0.1:1/lake/data/" in line
    assert line.endswith("check its bucket and AWS_*.")


def test_an_import_keeps_its_result_where_the_database_cannot_be_uploaded(
    machines: list[Machine], s3: dict[str, str], world: World
) -> None:
    users = world.hire_many(2)
    given = s3 | {"B24_PIPELINE_PUBLISH": "s3://no-such-bucket/published"}

    said = machines[0].type("sync", "--json", **given)

    found = result_of(said)
    assert (said.returncode, found["status"], links_in(machines[0].database)) == (0, "done", users)
    assert found["error"].startswith("The database was not published to s3://no-such-bucket/published/acme.duckdb")
    assert "The specified bucket does not exist" in found["error"]
