"""R03: the scope covers the departments below the chosen ones, or the run writes nothing."""

import json
from typing import Any

import pytest

from b24_pipeline import audit, schemas
from b24_pipeline.rules.models import Eligibility
from b24_pipeline.sandbox.bitrix24.behavior import DepartmentTree
from b24_pipeline_tests.harness import World


@pytest.fixture
def company(world: World) -> World:
    """Company 1 > Sales 2 > North 3 > Shop 4, and Stock 5: one person in each, whose name begins with its id."""
    for name, parent in (("Sales", 1), ("North", 2), ("Shop", 3), ("Stock", 1)):
        world.portal.add_department(name, parent=parent)
    for department in range(1, 6):
        world.hire(f"P{department}", UF_DEPARTMENT=[department])
    return world


def imported(world: World) -> set[str]:
    """Who is in the account now."""
    return {name.removeprefix("(bitrix24) ") for name in world.employees()}


def methods(world: World) -> list[str]:
    return [seen.method for seen in world.sandbox.requests]


def policy_of(result: Any) -> dict[str, Any]:
    """What the audit has of the settings that a run followed."""
    found: dict[str, Any] = json.loads(result.row["policy"])
    return found


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("included", "excluded", "names"),
    [
        ("2", "", {"P2", "P3", "P4"}),
        ("=2", "", {"P2"}),
        ("=2,5", "", {"P2", "P5"}),
        ("1", "", {"P1", "P2", "P3", "P4", "P5"}),
        ("", "3", {"P1", "P2", "P5"}),
        ("", "=3", {"P1", "P2", "P4", "P5"}),
        ("2", "3", {"P2"}),
        ("= 2, 3", "4", {"P2", "P3"}),
    ],
)
def test_r03_a_department_stands_for_those_below_it_and_with_an_equals_sign_for_itself(
    company: World, included: str, excluded: str, names: set[str]
) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS=included, B24_PIPELINE_EXCLUDE_DEPARTMENTS=excluded)

    result = company.import_people()

    assert (result.status, imported(company)) == ("done", names)
    assert result.counts.out_of_scope == 5 - len(names)


@pytest.mark.parametrize("setting", ["", "=2"])
def test_r03_departments_are_read_only_where_a_setting_needs_them(company: World, setting: str) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS=setting)
    company.behave(other_scopes=())

    assert company.import_people().status == "done"
    assert "department.get" not in methods(company)


def test_r20_the_audit_keeps_which_departments_a_run_covered(company: World) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="2", B24_PIPELINE_EXCLUDE_DEPARTMENTS="=4")

    result = company.import_people()

    assert policy_of(result)["include_departments"] == [2, 3, 4]
    assert policy_of(result)["exclude_departments"] == [4]


def test_r03_a_move_of_a_department_moves_its_people(company: World) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="2")
    assert company.import_people().counts.created == 3
    company.portal.departments[5]["PARENT"] = "4"
    company.portal.departments[3]["PARENT"] = "1"

    result = company.import_people()

    assert (result.counts.created, result.counts.out_of_scope) == (0, 4)
    with company.database() as database:
        employees = audit.history.snapshot(database, schemas.Employees)
    left = employees.loc[employees["eligibility"] == Eligibility.OUT_OF_SCOPE, "last_name"]
    assert set(left) == {"P1", "P3", "P4", "P5"}


@pytest.mark.parametrize(
    ("tree", "names"),
    [(DepartmentTree.CYCLE, {"P2", "P3", "P4"}), (DepartmentTree.WITHOUT_TOP, {"P2", "P3", "P4"})],
)
def test_r03_a_cycle_and_a_missing_parent_break_nothing(company: World, tree: DepartmentTree, names: set[str]) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="2")
    company.behave(department_tree=tree)

    assert (company.import_people().status, imported(company)) == ("done", names)


def test_r03_more_departments_than_a_page_holds(company: World) -> None:
    last = 5
    for number in range(120):
        last = company.portal.add_department(f"D{number}", parent=last)
    company.hire("Deep", UF_DEPARTMENT=[last])
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="5")

    company.import_people()

    assert (imported(company), methods(company).count("department.get")) == ({"P5", "Deep"}, 3)


def test_r03_a_department_that_the_portal_does_not_have_is_said_to_be_none(company: World) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="2,77")

    result = company.import_people()

    assert (result.status, imported(company)) == ("done", {"P2", "P3", "P4"})
    assert result.row["reason"] == "the portal has no department 77, which the settings name"


def test_r03_without_the_scope_for_departments_nothing_is_written_and_the_line_says_what_to_do(company: World) -> None:
    company.set(B24_PIPELINE_EXCLUDE_DEPARTMENTS="2")
    company.behave(other_scopes=())

    result = company.import_people()

    assert (result.status, company.writes()) == ("failed", [])
    assert 'tick "Departments" (department)' in result.row["reason"]


@pytest.mark.parametrize("more", [1, -1])
def test_r03_departments_that_are_not_all_there_are_not_trusted(company: World, more: int) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="2")
    company.behave(total_error=more)

    result = company.import_people()

    assert (result.status, company.writes()) == ("untrusted", [])
    assert result.row["reason"] == f"department.get: received 5 departments, expected {5 + more}"


@pytest.mark.parametrize("row", [{"ID": "x"}, {"ID": "2"}, {"ID": "9", "PARENT": "second"}])
def test_r03_a_tree_that_cannot_be_read_is_not_trusted(company: World, row: dict[str, str]) -> None:
    company.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="2")
    company.portal.departments[9] = row

    result = company.import_people()

    assert (result.status, company.writes()) == ("untrusted", [])
