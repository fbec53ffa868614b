from dataclasses import replace
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import AdminMode
from b24_pipeline_tests.sandbox.clients import Portal


@pytest.fixture
def people(sandbox: Sandbox) -> Sandbox:
    """120 users; every tenth dismissed, ids 101 to 120 extranet."""
    for number in range(1, 121):
        sandbox.portal.hire(
            NAME=f"Name{number}",
            LAST_NAME=f"Last{number:03}",
            EMAIL=f"user{number}@x.test",
            USER_TYPE="extranet" if number > 100 else "employee",
            UF_DEPARTMENT=[number % 3 + 1],
        )
        if number % 10 == 0:
            sandbox.portal.dismiss(number)
    return sandbox


@pytest.mark.usefixtures("people")
def test_offset_paging_counts_all_and_ends_without_next(portal: Portal) -> None:
    pages = [portal.json("user.get", {"start": start}) for start in (0, 50, 100)]

    assert [len(page["result"]) for page in pages] == [50, 50, 20]
    assert [page["total"] for page in pages] == [120, 120, 120]
    assert [page.get("next") for page in pages] == [50, 100, None]


@pytest.mark.usefixtures("people")
def test_a_start_beyond_the_end_is_an_empty_page(portal: Portal) -> None:
    assert portal.json("user.get", {"start": 5000})["result"] == []


@pytest.mark.usefixtures("people")
def test_keyset_pages_do_not_overlap_and_are_not_counted(portal: Portal) -> None:
    seen, last = [], 0
    while page := portal.ids(filter={">ID": last}, sort="ID", order="ASC", start=-1):
        seen += page
        last = page[-1]

    assert seen == list(range(1, 121))
    answer = portal.json("user.get", {"start": -1})
    assert answer["total"] == 0
    assert "next" not in answer


def test_ids_are_compared_as_numbers_over_gaps(portal: Portal, sandbox: Sandbox) -> None:
    for user_id in (9, 10, 100, 99_999):
        sandbox.portal.hire(ID=user_id, NAME="N")

    assert portal.ids(filter={">ID": "9"}, start=-1) == [10, 100, 99_999]
    assert portal.ids(filter={">ID": 9, "<ID": 101}) == [10, 100]
    assert portal.ids(sort="ID", order="DESC", start=-1) == [99_999, 100, 10, 9]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"ID": [3, 1]}, [1, 3]),
        ({"ID": ["3", "1"]}, [1, 3]),
        ({"ID": 7}, [7]),
        ({"USER_TYPE": "extranet", "<ID": 103}, [101, 102]),
        ({"USER_TYPE": ["extranet", "employee"], "<ID": 3}, [1, 2]),
    ],
)
def test_the_operator_is_the_prefix_of_the_key(portal: Portal, condition: Any, expected: Any) -> None:
    assert portal.ids(filter=condition) == expected


def test_a_filter_that_the_sandbox_lacks_is_refused(portal: Portal) -> None:
    assert portal.json("user.get", {"filter": {"EMAIL": "x"}})["error_description"] == "The sandbox has no filter EMAIL"


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("spelling", [0, "0", False, "N", ""])
def test_dismissed_users_are_found_by_every_spelling_of_no(portal: Portal, spelling: Any) -> None:
    assert portal.ids(filter={"ACTIVE": spelling, "<ID": 35}) == [10, 20, 30]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("spelling", [1, "1", True, "true", "Y", "false"])
def test_every_other_text_means_active_even_the_text_false(portal: Portal, spelling: Any) -> None:
    assert portal.ids(filter={"ACTIVE": spelling, "<ID": 12}) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]


@pytest.mark.usefixtures("people")
def test_select_skips_unknown_names(portal: Portal) -> None:
    chosen = portal.json("user.get", {"select": ["ID", "EMAIL", "NO_SUCH"], "filter": {"ID": 1}})["result"]

    assert chosen == [{"ID": "1", "EMAIL": "user1@x.test"}]


def test_ids_are_text_departments_numbers_and_own_fields_come_unasked(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.portal.hire(NAME="Ira", UF_DEPARTMENT=[4, 17], UF_USR_BADGE="b-1", ACTIVE=False)

    (row,) = portal.json("user.get")["result"]

    assert (row["ID"], row["ACTIVE"], row["UF_DEPARTMENT"], row["UF_USR_BADGE"]) == ("1", False, [4, 17], "b-1")


def test_bots_and_integrators_never_show_and_mail_users_only_when_asked_for(portal: Portal, sandbox: Sandbox) -> None:
    for kind in ("employee", "bot", "email", "imconnector", "integrator"):
        sandbox.portal.hire(NAME=kind, USER_TYPE=kind)

    assert portal.ids() == [1]
    assert portal.ids(filter={"USER_TYPE": "email"}) == [3]
    assert portal.ids(filter={"USER_TYPE": "bot"}) == []


def test_a_dismissed_user_keeps_everything_else_and_a_deleted_one_is_gone(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.portal.hire(NAME="Stays", EMAIL="stays@x.test")
    sandbox.portal.hire(NAME="Goes")
    sandbox.portal.dismiss(1)
    sandbox.portal.delete(2)

    (row,) = portal.json("user.get")["result"]

    assert (row["ID"], row["ACTIVE"], row["EMAIL"]) == ("1", False, "stays@x.test")
    assert sandbox.portal.hire(NAME="New") == 3


def test_users_can_change_between_two_pages(portal: Portal, sandbox: Sandbox) -> None:
    for number in range(60):
        sandbox.portal.hire(NAME=f"N{number}")
    sandbox.portal.on_page = lambda page: sandbox.portal.delete(1) if page == 2 else None

    first, second = portal.ids(start=0), portal.ids(start=50)

    assert 51 not in [*first, *second], "offset paging loses a living user"


def test_a_large_portal_counts_and_pages_like_a_small_one(portal: Portal, sandbox: Sandbox) -> None:
    for number in range(2_100):
        sandbox.portal.hire(NAME=f"N{number}", USER_TYPE="extranet" if number % 2 else "employee")
    condition = {"USER_TYPE": "employee"}

    page = portal.json("user.get", {"filter": condition, "start": 1000})
    assert (page["total"], len(page["result"])) == (1050, 50)
    sandbox.portal.delete(1)
    assert portal.json("user.get", {"filter": condition})["total"] == 1049


def test_lists_may_leave_out_users_without_a_department_whom_admin_mode_shows(portal: Portal, sandbox: Sandbox) -> None:
    owner, _, without = (sandbox.portal.hire(UF_DEPARTMENT=ids) for ids in ([], [4], []))
    sandbox.bitrix24 = replace(sandbox.bitrix24, lists_without_department=False)

    assert portal.ids() == [owner, 2]
    assert portal.ids(ADMIN_MODE=True) == portal.ids(ADMIN_MODE="true") == [owner, 2, without]
    assert portal.ids(filter={"ID": without}) == portal.ids(filter={"ID": [without]}) == [without]
    assert portal.ids(filter={">ID": 2}) == []


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        (AdminMode.IGNORED, None),
        (AdminMode.UNKNOWN, "ERROR_ARGUMENT"),
        (AdminMode.ADMINISTRATORS_ONLY, "ACCESS_DENIED"),
    ],
)
def test_admin_mode_has_many_meanings(portal: Portal, sandbox: Sandbox, mode: AdminMode, error: str | None) -> None:
    sandbox.portal.hire()
    sandbox.bitrix24 = replace(sandbox.bitrix24, admin_mode=mode, owner_is_admin=False)

    assert portal.json("user.get", {"ADMIN_MODE": "True"}).get("error") == error
    assert portal.ids() == portal.ids(ADMIN_MODE=False) == [1]


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize(
    "params", [{"filter": {"ACTIVE": 0}}, {"start": 50}, {"start": -1, "filter": {">ID": 9}}], ids=str
)
def test_an_answer_without_rows_may_lack_the_total(
    portal: Portal, sandbox: Sandbox, counted: bool, params: Any
) -> None:
    sandbox.portal.hire()
    sandbox.bitrix24 = replace(sandbox.bitrix24, counts_nothing=counted)

    assert ("total" in portal.json("user.get", params)) is counted
    assert portal.batch({"a": "user.get?filter[ACTIVE]=0"})["result_total"] == ({"a": 0} if counted else [])
