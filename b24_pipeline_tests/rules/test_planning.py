"""R06, R07 and R09-R11: what is sent to CallGear for whom, and what is not."""

import json
from typing import Any

import pandas as pd
import pytest

from b24_pipeline.rules import planning
from b24_pipeline.rules.models import (
    ActionKind,
    ApprovedConflict,
    ChangeRisk,
    IdMatchPolicy,
    MatchReason,
    Outcome,
    Policy,
)
from b24_pipeline_tests.factories import (
    Row,
    actions,
    callgear_employee,
    fields,
    link,
    phone_entry,
    planned,
    reuse_approved,
    user,
)


def steps(*rows: Row, **others: Any) -> dict[int, tuple[str, Row]]:
    """By user: the action and the fields that are sent."""
    return {
        row["bitrix24_id"]: (row["action"], fields(row["after"])) for row in planned(*rows, **others).to_dict("records")
    }


@pytest.mark.parametrize(
    ("on_id_match", "employee", "expected"),
    [
        (IdMatchPolicy.NOTHING, callgear_employee(101, last_name="Other"), None),
        (IdMatchPolicy.FILL_PHONES, callgear_employee(101, last_name="Other"), {"phone_numbers": ["123", "456"]}),
        (IdMatchPolicy.FILL_PHONES, callgear_employee(101, last_name="Other", phones=["999"]), None),
        (
            IdMatchPolicy.REFRESH,
            callgear_employee(101, last_name="Other"),
            {"last_name": "(bitrix24) Name1", "phone_numbers": ["123", "456"]},
        ),
        (
            IdMatchPolicy.REFRESH,
            callgear_employee(101, last_name="(bitrix24) Name1"),
            {"phone_numbers": ["123", "456"]},
        ),
        (
            IdMatchPolicy.REFRESH,
            callgear_employee(101, last_name="Other", phones=["999"]),
            {"last_name": "(bitrix24) Name1"},
        ),
        (
            IdMatchPolicy.REFRESH,
            callgear_employee(101, last_name=None, phones=["9"]),
            {"last_name": "(bitrix24) Name1"},
        ),
        (IdMatchPolicy.REFRESH, callgear_employee(101, last_name="(bitrix24) Name1", phones=["999"]), None),
    ],
)
def test_r07_matched_by_id_is_left_alone_unless_the_setting_says_otherwise(
    on_id_match: IdMatchPolicy, employee: Row, expected: Row | None
) -> None:
    found = steps(
        user(1, work_phone="123", personal_mobile="456"),
        account=[employee],
        stored=[link(1, 101)],
        policy=Policy(on_id_match=on_id_match),
    )
    assert found == ({1: (ActionKind.UPDATE, expected)} if expected else {})


@pytest.mark.parametrize(
    ("employee", "sent", "risk"),
    [
        (
            callgear_employee(101, last_name="Lebedeva"),
            {"last_name": "(bitrix24) Name1", "phone_numbers": ["123"]},
            ChangeRisk.EMAIL_LINK,
        ),
        (
            callgear_employee(101, last_name="Lebedeva", phones=["9"]),
            {"last_name": "(bitrix24) Name1"},
            ChangeRisk.EMAIL_LINK,
        ),
        (callgear_employee(101, last_name="(bitrix24) Name1"), {"phone_numbers": ["123"]}, ChangeRisk.EMAIL_LINK),
        (callgear_employee(101, last_name="(bitrix24) Name1", phones=["9"]), {}, None),
    ],
    ids=["last name and phones", "last name", "phones", "the link alone"],
)
def test_r09_matched_by_email_is_linked_and_only_what_is_not_right_is_sent(
    employee: Row, sent: Row, risk: ChangeRisk | None
) -> None:
    person = user(1, email="ira@x.test", first_name="Irina", second_name="Pavlovna", work_phone="123")
    row = planned(person, account=[employee | {"email": "IRA@x.test"}]).to_dict("records")[0]
    assert (row["action"], row["callgear_id"], row["outcome"]) == (ActionKind.LINK, 101, Outcome.PLANNED)
    assert fields(row["after"]) == sent
    assert (None if pd.isna(row["risk"]) else row["risk"]) == risk


@pytest.mark.parametrize(
    ("newcomer", "approved"),
    [("Name8", frozenset()), ("Zimina", reuse_approved((1, 101)))],
    ids=["rehired", "e-mail reuse approved"],
)
@pytest.mark.parametrize("last_name", ["Other", "(bitrix24) Name8", "(bitrix24) Zimina"])
def test_r16_a_link_that_moves_is_watched_as_such_with_or_without_a_write(
    newcomer: str, approved: frozenset[ApprovedConflict], last_name: str
) -> None:
    plan = planned(
        user(1, email="ira@x.test", last_name=newcomer),
        account=[callgear_employee(101, email="ira@x.test", last_name=last_name)],
        stored=[link(8, 101)],
        approved=approved,
    )
    assert plan[["action", "risk"]].to_numpy().tolist() == [["link", "link_move"]]
    assert fields(plan["before"].item())["other_bitrix24_id"] == 8


@pytest.mark.parametrize("on_id_match", IdMatchPolicy)
@pytest.mark.parametrize(
    ("employee", "sent"),
    [
        (callgear_employee(101, last_name="Other"), {"last_name": "(bitrix24) Name1", "phone_numbers": ["123"]}),
        (callgear_employee(101, last_name="Other", phones=["9"]), {"last_name": "(bitrix24) Name1"}),
        (callgear_employee(101, last_name="(bitrix24) Name1", phones=["9"]), None),
    ],
    ids=["last name and phones", "last name", "nothing"],
)
def test_r09a_an_unfinished_link_gets_what_is_not_right_yet_whatever_the_setting(
    employee: Row, sent: Row | None, on_id_match: IdMatchPolicy
) -> None:
    plan = planned(
        user(1, work_phone="123"),
        account=[employee],
        stored=[link(1, 101)],
        policy=Policy(on_id_match=on_id_match),
        unfinished_links=frozenset({1}),
    )
    assert [fields(text) for text in plan["after"]] == ([] if sent is None else [sent])
    assert set(plan["reason"]) <= {MatchReason.EMAIL_LINK}
    assert plan["risk"].isna().all()


def test_r09a_a_link_is_apart_from_what_its_employee_gets() -> None:
    plan = planned(
        user(1, email="ira@x.test", work_phone="123"),
        user(2, email="oleg@x.test"),
        account=[
            callgear_employee(101, email="ira@x.test", last_name="Other"),
            callgear_employee(102, email="oleg@x.test", last_name="(bitrix24) Name2"),
        ],
    )
    rows = planning.links_first(plan).to_dict("records")
    sent = {"last_name": "(bitrix24) Name1", "phone_numbers": ["123"]}
    assert [
        (row["bitrix24_id"], row["callgear_id"], row["action"], fields(row["before"]), fields(row["after"]))
        for row in rows
    ] == [
        (1, 101, "link", {"last_name": "Other"}, {}),
        (2, 102, "link", {"last_name": "(bitrix24) Name2"}, {}),
        (1, 101, "update", {"last_name": "Other", "phone_numbers": []}, sent),
    ]
    assert [row["risk"] for row in rows if pd.notna(row["risk"])] == [ChangeRisk.EMAIL_LINK]


def test_r09a_without_a_link_that_changes_anything_the_plan_stays_as_it_is() -> None:
    plan = planned(user(1))
    assert planning.links_first(plan) is plan


def test_r10_who_is_not_there_is_created_with_names_email_and_phones() -> None:
    person = user(
        1,
        first_name=" Irina ",
        last_name="Lebedeva",
        second_name="Pavlovna",
        email=" Ira@X.test",
        work_phone="+7 495 100-20-30",
        personal_mobile="8 912",
        personal_phone="12",
    )
    assert steps(person) == {
        1: (
            ActionKind.CREATE,
            {
                "first_name": "Irina",
                "last_name": "(bitrix24) Lebedeva",
                "patronymic": "Pavlovna",
                "email": "Ira@X.test",
                "phone_numbers": ["74951002030", "8912"],
            },
        )
    }


def test_r10_what_a_user_does_not_have_is_not_sent() -> None:
    created = {"last_name": "(bitrix24) Name1", "email": "user1@x.test"}
    assert steps(user(1, first_name=None)) == {1: (ActionKind.CREATE, created)}


def test_r10_a_create_in_place_of_a_stale_link_says_so() -> None:
    plan = planned(user(1), stored=[link(1, 999)])
    assert plan[["action", "reason", "risk"]].to_numpy().tolist() == [["create", "stale_link", "create"]]


@pytest.mark.parametrize(
    ("phone_numbers", "sent"),
    [
        ("[]", True),
        (json.dumps([phone_entry("999")]), False),
        (json.dumps([phone_entry("999") | {"status": "inactive"}]), False),
        (json.dumps([phone_entry("123")]), False),
        (None, False),
    ],
    ids=["none at all", "another", "an inactive one", "the same", "not known"],
)
@pytest.mark.parametrize("on_id_match", [None, IdMatchPolicy.FILL_PHONES, IdMatchPolicy.REFRESH])
def test_r11_phones_are_added_only_where_the_employee_has_none_at_all(
    phone_numbers: str | None, sent: bool, on_id_match: IdMatchPolicy | None
) -> None:
    plan = planned(
        user(1, email="ira@x.test", work_phone="123"),
        account=[callgear_employee(101, email="ira@x.test", phone_numbers=phone_numbers)],
        stored=[link(1, 101)] if on_id_match else [],
        policy=Policy(on_id_match=on_id_match or IdMatchPolicy.NOTHING),
    )
    phones = [fields(text).get("phone_numbers") for text in plan["after"]]
    assert [found for found in phones if found] == ([["123"]] if sent else [])


def test_r02_rejected_candidates_are_listed_by_name_with_the_reason_and_nothing_is_sent() -> None:
    plan = planned(user(1, email=None), user(2, last_name=None), user(3, last_name=None, first_name=None))
    assert plan[["bitrix24_id", "action", "reason", "outcome", "display_name"]].to_numpy().tolist() == [
        [1, "reject", "missing_email", "rejected", "Name1 Ira"],
        [2, "reject", "missing_last_name", "rejected", "Ira"],
        [3, "reject", "missing_last_name", "rejected", "user3@x.test"],
    ]
    assert plan["after"].isna().all()


def test_r09_r12_conflicts_are_listed_with_the_other_person_and_nothing_is_sent() -> None:
    plan = planned(
        user(1, email="ira@x.test"),
        user(2, email="ira@x.test"),
        user(3, email="two@x.test"),
        user(4, email="reused@x.test"),
        account=[
            callgear_employee(101, email="two@x.test"),
            callgear_employee(102, email="two@x.test"),
            callgear_employee(103, email="reused@x.test"),
            callgear_employee(104),
        ],
        stored=[link(1, 104), link(9, 103)],
    )
    assert plan[["bitrix24_id", "action", "reason", "outcome"]].to_numpy().tolist() == [
        [2, "conflict", "duplicate_email", "conflict"],
        [3, "conflict", "ambiguous_email", "conflict"],
        [4, "conflict", "email_reused", "conflict"],
    ]
    assert [fields(text).get("other_bitrix24_id", 0) for text in plan["before"]] == [1, 0, 9]
    assert plan["after"].isna().all()


def test_r01_r03_r13_nothing_is_planned_for_who_is_no_candidate() -> None:
    assert planned(user(1, active=False), user(2, user_type="extranet"), account=[callgear_employee(101)]).empty


def test_the_plan_is_ordered_by_user() -> None:
    assert planned(user(9), user(2, email=None), user(5))["bitrix24_id"].tolist() == [2, 5, 9]


def test_r20_actions_tell_before_and_after_as_canonical_json() -> None:
    plan = planned(
        user(1, email="ира@x.test", last_name="Ли", work_phone="123", personal_mobile="456"),
        user(2, email="employee102@x.test", work_phone="789"),
        user(3, email="employee103@x.test", last_name="Right"),
        user(4, email="employee104@x.test", last_name="Name9"),
        account=[
            callgear_employee(102, last_name="Was"),
            callgear_employee(103, last_name="(bitrix24) Right"),
            callgear_employee(104, last_name="Was", phones=["1"]),
        ],
        stored=[link(9, 104)],
    )
    assert plan["before"].fillna("").tolist() == [
        "",
        '{"last_name": "Was", "phone_numbers": []}',
        '{"last_name": "(bitrix24) Right"}',
        '{"last_name": "Was", "other_bitrix24_id": 9}',
    ]
    assert plan["after"].fillna("").tolist() == [
        '{"email": "ира@x.test", "first_name": "Ira", "last_name": "(bitrix24) Ли", "phone_numbers": ["123", "456"]}',
        '{"last_name": "(bitrix24) Name2", "phone_numbers": ["789"]}',
        "",
        '{"last_name": "(bitrix24) Name9"}',
    ]
    assert plan["error"].isna().all()
    assert plan["at"].isna().all()


@pytest.mark.parametrize(
    "name", ['O"Neill', "Back\\slash", "Tab\tand\nline", "\x00", "\x7f\u2028", '\\"', "Zoë 🙂", ""]
)
def test_r20_whatever_a_name_holds_is_read_again_as_it_was(name: str) -> None:
    (row,) = planned(
        user(1, email="employee101@x.test", last_name=f"Is{name.strip()}"),
        account=[callgear_employee(101, last_name=name)],
    ).to_dict("records")
    assert fields(row["before"])["last_name"] == name
    assert row["after"] == json.dumps(fields(row["after"]), ensure_ascii=False, sort_keys=True)
    assert row["before"] == json.dumps(fields(row["before"]), ensure_ascii=False, sort_keys=True)


def test_r20_an_empty_plan_has_no_actions() -> None:
    assert planned().equals(actions())


def test_r09_lost_links_are_rebuilt_by_email_without_one_write_where_the_employee_is_right() -> None:
    account = [
        callgear_employee(101, email="USER1@x.test", last_name="(bitrix24) Name1"),
        callgear_employee(102, email="user2@x.test", last_name="(bitrix24) Name2", phones=["999"]),
    ]
    plan = planned(user(1), user(2, work_phone="123"), account=account)
    assert plan[["bitrix24_id", "callgear_id", "action"]].to_numpy().tolist() == [[1, 101, "link"], [2, 102, "link"]]
    assert plan[["risk", "after"]].isna().all(axis=None)


def test_r09_a_conflict_says_what_the_employee_has_and_will_keep() -> None:
    account = [
        callgear_employee(101, email="ira@x.test", first_name="Olga", phones=["7900", "7901...5"]),
        callgear_employee(102, email="strasse@x.test", first_name=None),
        callgear_employee(103, email="two@x.test"),
        callgear_employee(104, email="two@x.test"),
    ]
    conflicts = planned(
        user(1, email="ira@x.test"),
        user(2, email="straße@x.test"),
        user(3, email="two@x.test"),
        account=account,
        stored=[link(9, 101)],
    )
    assert {row["bitrix24_id"]: fields(row["before"]) for row in conflicts.to_dict("records")} == {
        1: {
            "first_name": "Olga",
            "last_name": "Name101",
            "phone_numbers": ["7900", "7901...5"],
            "other_bitrix24_id": 9,
        },
        2: {"last_name": "Name102", "phone_numbers": []},
        3: {},
    }
