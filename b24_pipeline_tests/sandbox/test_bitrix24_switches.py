import json
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import (
    BlankStyle,
    Change,
    DepartmentTree,
    DismissedUsers,
    NoDepartmentStyle,
    ScopeStyle,
    TimestampStyle,
    UserTypeStyle,
)
from b24_pipeline_tests.clock import Clock
from b24_pipeline_tests.sandbox.clients import Portal, Turn

ABSENT = object()


@pytest.mark.parametrize(
    ("style", "single", "batched"),
    [
        (TimestampStyle.AS_SAMPLED, {}, "15.01.2026 13:00:00"),
        (TimestampStyle.EMPTY_OBJECT, {}, {}),
        (TimestampStyle.LOCAL_TEXT, "15.01.2026 13:00:00", "15.01.2026 13:00:00"),
        (TimestampStyle.ISO, "2026-01-15T13:00:00+03:00", "2026-01-15T13:00:00+03:00"),
        (TimestampStyle.ABSENT, ABSENT, ABSENT),
    ],
)
def test_timestamps_have_no_stable_type(
    portal: Portal, sandbox: Sandbox, set_portal: Turn, style: Any, single: Any, batched: Any
) -> None:
    sandbox.portal.hire(NAME="A")
    set_portal(timestamps=style)

    assert portal.json("user.get")["result"][0].get("TIMESTAMP_X", ABSENT) == single
    assert portal.batch({"a": "user.get"})["result"]["a"][0].get("TIMESTAMP_X", ABSENT) == batched


@pytest.mark.parametrize(
    ("style", "odd", "even"),
    [
        (BlankStyle.MIXED, "", ABSENT),
        (BlankStyle.EMPTY_STRING, "", ""),
        (BlankStyle.ABSENT, ABSENT, ABSENT),
        (BlankStyle.NULL, None, None),
        (BlankStyle.FALSE, False, False),
        (BlankStyle.EMPTY_LIST, [], []),
        (BlankStyle.EMPTY_OBJECT, {}, {}),
    ],
)
def test_blanks_come_in_every_style(
    portal: Portal, sandbox: Sandbox, set_portal: Turn, style: Any, odd: Any, even: Any
) -> None:
    for _ in range(2):
        sandbox.portal.hire(NAME="A", WORK_PHONE=None)
    set_portal(blanks=style)

    rows = portal.json("user.get", {"select": ["ID", "WORK_PHONE", "LAST_NAME"]})["result"]

    for name in ("WORK_PHONE", "LAST_NAME"):
        assert [row.get(name, ABSENT) for row in rows] == [odd, even]


def test_an_extranet_user_without_departments_has_an_empty_list_or_no_key(portal: Portal, sandbox: Sandbox) -> None:
    for _ in range(2):
        sandbox.portal.hire(NAME="A", USER_TYPE="extranet", UF_DEPARTMENT=[])

    assert [row.get("UF_DEPARTMENT", ABSENT) for row in portal.json("user.get")["result"]] == [[], ABSENT]


def test_a_page_after_the_last_one_may_be_an_error(portal: Portal, sandbox: Sandbox, set_portal: Turn) -> None:
    set_portal(refuses_start_beyond_total=True)
    assert portal.ids(start=0) == []
    sandbox.portal.hire(NAME="A")

    assert portal.ids(start=0) == [1]
    assert portal.json("user.get", {"start": 50})["error"] == "ERROR_ARGUMENT"


def test_department_ids_may_be_text(portal: Portal, sandbox: Sandbox, set_portal: Turn) -> None:
    sandbox.portal.hire(NAME="A", UF_DEPARTMENT=[4, 17])
    set_portal(departments_as_text=True)

    assert portal.json("user.get")["result"][0]["UF_DEPARTMENT"] == ["4", "17"]
    assert sandbox.portal.users[1]["UF_DEPARTMENT"] == [4, 17]


def test_user_type_may_be_missing_and_still_filters(portal: Portal, sandbox: Sandbox, set_portal: Turn) -> None:
    sandbox.portal.hire(NAME="A", USER_TYPE="extranet")
    set_portal(user_type=UserTypeStyle.ABSENT)

    assert "USER_TYPE" not in portal.json("user.get", {"select": ["ID", "USER_TYPE"]})["result"][0]
    assert portal.ids(filter={"USER_TYPE": "employee"}) == []


def test_user_type_may_have_no_value_and_still_filters(portal: Portal, sandbox: Sandbox, set_portal: Turn) -> None:
    sandbox.portal.hire(NAME="A")
    set_portal(user_type=UserTypeStyle.BLANK, blanks=BlankStyle.NULL)

    assert portal.json("user.get", {"filter": {"USER_TYPE": "employee"}})["result"][0]["USER_TYPE"] is None
    assert portal.ids(filter={"USER_TYPE": "extranet"}) == []


@pytest.mark.parametrize(
    ("shown", "plain", "asked_no", "asked_yes"),
    [
        (DismissedUsers.INCLUDED, [1, 2], [2], [1]),
        (DismissedUsers.HIDDEN_BY_DEFAULT, [1], [2], [1]),
        (DismissedUsers.NEVER, [1], [], [1]),
    ],
)
def test_dismissed_users_may_be_hidden(
    portal: Portal,
    sandbox: Sandbox,
    set_portal: Turn,
    shown: DismissedUsers,
    plain: list[int],
    asked_no: list[int],
    asked_yes: list[int],
) -> None:
    for name in ("A", "B"):
        sandbox.portal.hire(NAME=name)
    sandbox.portal.dismiss(2)
    set_portal(dismissed=shown)

    assert portal.ids() == plain
    assert portal.ids(filter={"ACTIVE": 0}) == asked_no
    assert portal.ids(filter={"ACTIVE": True}) == asked_yes


def test_the_uncounted_total_may_be_absent(portal: Portal, set_portal: Turn) -> None:
    set_portal(uncounted_total=None)

    assert "total" not in portal.json("user.get", {"start": -1})


def test_an_old_portal_knows_neither_select_nor_uncounted_paging(
    portal: Portal, sandbox: Sandbox, set_portal: Turn
) -> None:
    for _ in range(60):
        sandbox.portal.hire(NAME="A")
    set_portal(select_supported=False, uncounted_supported=False)

    answer = portal.json("user.get", {"select": ["ID"], "start": -1})

    assert "NAME" in answer["result"][0]
    assert (answer["total"], answer["next"]) == (60, 50)


def test_a_total_may_be_wrong(portal: Portal, sandbox: Sandbox, set_portal: Turn) -> None:
    sandbox.portal.hire(NAME="A")
    set_portal(total_error=3)

    assert portal.json("user.get")["total"] == 4


def test_a_dismissal_may_leave_the_timestamp_alone(
    portal: Portal, sandbox: Sandbox, clock: Clock, set_portal: Turn
) -> None:
    sandbox.portal.hire(NAME="A")
    set_portal(timestamp_touched_by=frozenset({Change.EDIT}), timestamps=TimestampStyle.ISO)
    clock.sleep(60)

    def changed_at() -> str:
        return str(portal.json("user.get")["result"][0]["TIMESTAMP_X"])

    sandbox.portal.dismiss(1)
    sandbox.portal.reinstate(1)
    assert changed_at() == "2026-01-15T13:00:00+03:00"
    sandbox.portal.edit(1, NAME="B")
    assert changed_at() == "2026-01-15T13:01:00+03:00"


def test_fields_nobody_has_are_refused_when_hiring(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="EMIAL"):
        sandbox.portal.hire(EMIAL="typo@x.test")
    with pytest.raises(ValueError, match="exists"):
        sandbox.portal.hire(ID=sandbox.portal.hire(NAME="A"))


@pytest.mark.parametrize(
    ("style", "listed"),
    [
        (ScopeStyle.LIST, ["department", "user"]),
        (ScopeStyle.NUMBERED, {"0": "department", "1": "user"}),
        (ScopeStyle.FLAGS, {"department": True, "user": True}),
    ],
)
def test_scopes_come_as_a_list_or_as_a_map(portal: Portal, set_portal: Turn, style: Any, listed: Any) -> None:
    set_portal(scope_style=style)

    assert portal.json("scope")["result"] == listed


@pytest.mark.parametrize("style", NoDepartmentStyle)
def test_no_department_comes_in_every_style(
    portal: Portal, sandbox: Sandbox, set_portal: Turn, style: NoDepartmentStyle
) -> None:
    sandbox.portal.hire(UF_DEPARTMENT=[])
    set_portal(no_department=style)

    expected = json.loads(style.value) if style.value else []
    assert portal.json("user.get")["result"][0]["UF_DEPARTMENT"] == expected


def test_without_its_users_module_a_portal_knows_no_user_get(portal: Portal, set_portal: Turn) -> None:
    set_portal(user_module=False)

    assert portal.json("user.get")["error"] == "ERROR_METHOD_NOT_FOUND"


@pytest.mark.parametrize(
    ("tree", "parents"),
    [
        (DepartmentTree.SOUND, {"1": None, "2": "1", "3": "2"}),
        (DepartmentTree.CYCLE, {"1": "3", "2": "1", "3": "2"}),
        (DepartmentTree.WITHOUT_TOP, {"2": "1", "3": "2"}),
    ],
)
def test_the_tree_of_departments_is_sound_or_not(
    portal: Portal, sandbox: Sandbox, set_portal: Turn, tree: DepartmentTree, parents: dict[str, Any]
) -> None:
    sandbox.portal.add_department("Sales")
    sandbox.portal.add_department("North", parent=2)
    set_portal(department_tree=tree)

    listed = portal.json("department.get")

    assert {row["ID"]: row.get("PARENT") for row in listed["result"]} == parents
    assert listed["total"] == len(parents)
