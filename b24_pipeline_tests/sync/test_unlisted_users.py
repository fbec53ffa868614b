"""R03, R13, R16a: imported users whom the portal's lists leave out, from one run to the next."""

from datetime import timedelta

import pytest

from b24_pipeline.reporting import timeline
from b24_pipeline_tests.harness import World

IRA = 2
"""One of the nine people of `imported`."""


@pytest.fixture
def leaving_out(imported: World) -> World:
    """The webhook's owner is no administrator, so lists leave out users without a department."""
    imported.behave(lists_without_department=False, owner_is_admin=False)
    return imported


def test_r13_who_was_nowhere_once_and_is_back_outside_lists_is_not_gone(leaving_out: World) -> None:
    employee = leaving_out.links()[IRA]
    leaving_out.portal.hide([IRA])
    leaving_out.import_people()
    leaving_out.portal.show_hidden()
    leaving_out.portal.edit(IRA, UF_DEPARTMENT=[])
    leaving_out.list_responsible(IRA)
    leaving_out.clock.sleep(timedelta(hours=24).total_seconds())
    namesake = leaving_out.hire(f"Person{IRA}")

    result = leaving_out.import_people()

    assert (result.counts.users, result.outcomes()) == (10, {namesake: "conflict duplicate_email: conflict"})
    assert (leaving_out.links()[IRA], leaving_out.writes()) == (employee, [])


def test_r13_every_run_looks_up_the_deleted_in_one_request(imported: World) -> None:
    usual = imported.import_people().counts.bitrix24_requests
    imported.portal.delete(IRA)

    ended = [imported.import_people() for _ in range(2)]

    assert [run.counts.bitrix24_requests - usual for run in ended] == [1, 1]


def test_r03_who_is_out_of_scope_and_left_out_of_lists_is_not_gone(leaving_out: World) -> None:
    leaving_out.set(B24_PIPELINE_INCLUDE_DEPARTMENTS="1")
    leaving_out.portal.edit(IRA, UF_DEPARTMENT=[])
    leaving_out.import_people()
    namesake = leaving_out.hire(f"Person{IRA}")

    results = [leaving_out.import_people() for _ in range(2)]

    assert [run.counts.out_of_scope for run in results] == [1, 1]
    assert [run.outcomes() for run in results] == [{namesake: "conflict already_linked: conflict"}] * 2
    with leaving_out.database() as database:
        (explained,) = timeline.explain(database, str(IRA))
    assert explained.now.startswith("In CallGear")
    assert not any("no longer" in event.text for event in explained.events)
