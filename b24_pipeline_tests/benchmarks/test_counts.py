"""What runs take, in requests, points and rows: what can be counted needs no clock."""

from pathlib import Path

import duckdb
import pytest

from b24_pipeline_tests.benchmarks.page import with_section
from b24_pipeline_tests.benchmarks.processes import seen
from b24_pipeline_tests.benchmarks.seed import fill_account, store_links
from b24_pipeline_tests.harness import World

PEOPLE = 2_600
FREE_OF_ROWS = {"runs", "run_steps"}
"""The only tables to which a run adds rows that changes nothing."""


LOOKS = ("all employees", "the account", "again before the first create", "again after ten", "again after the last")
"""What a first import of thirty people asks of CallGear besides creating them (R16b)."""


@pytest.fixture
def settled(world: World) -> World:
    """Everybody is imported, and a run has seen it."""
    for _ in range(PEOPLE):
        world.hire(f"Person{world.portal.last_id}")
    store_links(world.paths.published, fill_account(world.sandbox))
    world.run()
    world.forget_requests()
    return world


def rows(database: Path) -> dict[str, int]:
    """How many rows each table has."""
    with duckdb.connect(database, read_only=True) as people:
        tables = people.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'store'").fetchall()
        return {table: people.execute(f"SELECT count(*) FROM store.{table}").fetchall()[0][0] for (table,) in tables}


def test_a_quiet_run_takes_two_requests_one_point_and_no_write(settled: World) -> None:
    result = settled.run()

    counted = seen(settled.sandbox)
    assert (counted.bitrix24_requests, counted.callgear_requests, counted.writes) == (2, 1, 0)
    assert (result.counts.bitrix24_requests, result.counts.callgear_points) == (2, 1)
    assert result.counts.matched_by_id == PEOPLE


def test_a_quiet_run_adds_a_row_for_itself_and_for_what_it_recorded(settled: World) -> None:
    before = rows(settled.paths.published)
    settled.run()
    first = rows(settled.paths.published)
    settled.run()
    second = rows(settled.paths.published)

    added = {table: first[table] - before[table] for table in before}
    assert {table for table, count in added.items() if count} == FREE_OF_ROWS
    assert added == {table: second[table] - first[table] for table in first}
    assert added["runs"] == 1
    assert added["run_steps"] <= 8


def test_a_first_import_takes_one_point_a_person_and_few_to_look(world: World) -> None:
    world.hire_many(30)
    result = world.run()

    assert result.counts.created == 30
    assert seen(world.sandbox).callgear_requests == 30 + len(LOOKS)


def test_a_part_of_the_page_is_replaced_and_the_words_stay() -> None:
    page = "words\n<!-- measured: fetch -->\nold\n<!-- end: fetch -->\nmore words\n"

    assert with_section(page, "fetch", "new") == page.replace("old", "new")
    with pytest.raises(ValueError, match="no place for year"):
        with_section(page, "year", "new")
