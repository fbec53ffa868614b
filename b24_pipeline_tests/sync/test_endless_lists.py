"""Lists without end: the run ends with its time, or where no portal could have so many, and writes nothing."""

from typing import Any

import pytest

from b24_pipeline import audit
from b24_pipeline_tests.harness import World


def test_r16a_a_portal_whose_pages_never_end_is_not_trusted(imported: World) -> None:
    imported.behave(endless_users=True)
    imported.forget_requests()

    ended = imported.import_people()

    assert (ended.row["status"], imported.writes()) == ("untrusted", [])
    assert "users were added during the read, but the portal reports 0 of them" in ended.row["reason"]


def test_r16a_a_portal_whose_pages_never_end_is_not_trusted_at_its_first_import(world: World) -> None:
    world.hire_many(3)
    world.behave(endless_users=True)

    ended = world.import_people()

    assert (ended.row["status"], world.writes()) == ("untrusted", [])


@pytest.mark.parametrize("grows", [1, 10_000, 10**18])
def test_r16a_an_account_that_announces_more_than_it_has_is_not_trusted(world: World, grows: int) -> None:
    world.hire_many(3)
    world.behave(total_items_error=grows)

    ended = world.import_people()

    assert (ended.row["status"], world.writes()) == ("untrusted", [])
    assert "expected" in ended.row["reason"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("phones", ["74955550101", [{}], [None], {"phone_number": "1"}, 7, [{"phone_number": None}]])
def test_r11_one_malformed_employee_fails_alone(world: World, phones: Any) -> None:
    world.hire_many(2)
    world.hire("Lebedeva", EMAIL="ira@x.test", WORK_PHONE="74955550101")
    world.account.add_employee(last_name="Lebedeva", email="ira@x.test")
    (odd,) = world.account.employees
    world.behave(malformed={odd: {"phone_numbers": phones}})

    ended = world.import_people()

    failed = ended.actions[ended.actions["outcome"] == "failed"]
    assert (ended.row["status"], ended.row["created"], len(failed)) == ("partial", 2, 1)
    assert f"employee {odd} has phone_numbers that cannot be understood" in failed["error"].iloc[0]
    assert world.account.employees[odd]["phone_numbers"] == []
    with world.database() as database:
        kept = audit.links.live_links(database)["callgear_id"].tolist()
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize("row", [{"id": "7"}, {"id": 2**70}, {"email": ["ira@x.test"]}, {"last_name": {"x": 1}}])
def test_r16a_an_employee_that_nobody_can_tell_apart_makes_the_read_untrusted(world: World, row: Any) -> None:
    world.hire_many(2)
    world.account.add_employee(last_name="Lebedeva", email="ira@x.test")
    world.behave(malformed={next(iter(world.account.employees)): row})

    ended = world.import_people()

    assert (ended.row["status"], world.writes()) == ("untrusted", [])
    malformed = ("get.employees: received employees without a valid id", "get.employees: employee ")
    assert ended.row["reason"].startswith(malformed)
