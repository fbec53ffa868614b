"""The step trace of one person: what was read on both sides, the rule that decided, what was sent."""

import re
from dataclasses import replace
from typing import Any

import pytest

from b24_pipeline import schemas
from b24_pipeline.reporting.trace import MOST_TRACED, Evidence, Trace, as_markdown, trace
from b24_pipeline.rules.models import ActionKind, ChangeRisk, IdMatchPolicy, Outcome, Policy, Scope
from b24_pipeline_tests.factories import (
    Row,
    action,
    actions,
    callgear_employee,
    callgear_employees,
    employees,
    link,
    matched,
    planned,
    user,
    users,
)

LINK = re.compile(r"https?://|www\.")
HOSTILE = "<script>alert(1)</script>|[x](http://evil.test)www.evil.test`*_\n# x"


def evidence(*people: Row, account: tuple[Row, ...] = (), policy: Policy | None = None, **known: Any) -> Evidence:
    """What a dry run of these people and this account has read and decided."""
    judged = employees(*people, policy=policy)
    return Evidence(
        run_id="run-1",
        users=users(*people),
        employees=judged,
        callgear_employees=callgear_employees(*account),
        matches=matched(judged, account=account, **known),
        actions=planned(*people, account=account, policy=policy, **known),
    )


def ended(found: Evidence, outcome: Outcome, **fields: Any) -> Evidence:
    """The same, with every planned action ended so."""
    assert found.actions is not None
    planned_rows = found.actions["outcome"] == Outcome.PLANNED
    outcomes = found.actions["outcome"].mask(planned_rows, outcome.value)
    return replace(found, actions=schemas.check(schemas.Actions, found.actions.assign(outcome=outcomes, **fields)))


def steps(found: Evidence, bitrix24_id: int = 1) -> list[str]:
    """The steps: rules, then what happened."""
    return [f"{step.rules}: {step.text}" for step in trace(found, bitrix24_id=bitrix24_id).steps]


def test_r10_somebody_new_is_created() -> None:
    found = ended(evidence(user(1, work_phone="+7 900 1", personal_phone="12")), Outcome.DONE, callgear_id=101)
    assert steps(found) == [
        (
            ': seen in Bitrix24: type "employee", first name "Ira", last name "Name1", e-mail "user1@x.test",'
            ' work phone "+7 900 1", personal phone "12", departments "1"; active'
        ),
        "R01, R02: a candidate for the import; not usable as phone numbers: 12",
        (
            'R04, R05, R06: for CallGear: last name "(bitrix24) Name1", first name "Ira", e-mail "user1@x.test",'
            ' phones "79001"'
        ),
        ": not in CallGear: none of the 0 employees has this e-mail",
        "R10: no match in CallGear",
        (
            'R10: create in CallGear (employee 101): done; sent: e-mail "user1@x.test", first name "Ira",'
            ' last name "(bitrix24) Name1", phones "79001"'
        ),
    ]


def test_r07_who_is_matched_by_id_is_left_alone() -> None:
    account = (callgear_employee(101, phones=("7900", "7901")),)
    assert steps(evidence(user(1), account=account, stored=(link(1, 101),)))[3:] == [
        (
            ': seen in CallGear as employee 101: first name "Ira", last name "Name101", e-mail "employee101@x.test",'
            ' phones "7900, 7901"'
        ),
        "R07: matched by id with CallGear employee 101",
        "R07: nothing had to be sent",
    ]


def test_r09_who_is_matched_by_email_is_linked_named_and_given_phones() -> None:
    found = evidence(user(1, work_phone="7900"), account=(callgear_employee(101, email="USER1@x.test"),))
    assert steps(found)[4:] == [
        "R09: matched by e-mail with CallGear employee 101",
        (
            "R09, R06, R11, R19: link with the CallGear employee: planned, as a dry run shows; to be sent:"
            ' last name "Name101" → "(bitrix24) Name1", phones (none) → "7900"'
        ),
    ]
    assert steps(ended(found, Outcome.HELD, risk=ChangeRisk.EMAIL_LINK))[-1].startswith(
        "R09, R06, R11, R16: link with the CallGear employee: held by a safety limit until somebody approves"
    )


def test_r18_the_answer_to_what_failed_is_told() -> None:
    found = ended(evidence(user(1)), Outcome.FAILED, error="invalid_parameter_value")
    assert steps(found)[-1].startswith("R10, R18: create in CallGear: failed; sent: ")
    assert steps(found)[-1].endswith("; answer: invalid_parameter_value")


def test_r08_a_stale_link_is_named_before_the_rule_that_decided_then() -> None:
    assert steps(evidence(user(1), stored=(link(1, 999),)))[4] == (
        "R08, R10: no match in CallGear: the linked employee no longer exists in CallGear"
    )


def test_r07_an_update_names_the_rules_of_what_it_sends() -> None:
    policy = Policy(on_id_match=IdMatchPolicy.REFRESH)
    account = (callgear_employee(101),)
    found = evidence(user(1, work_phone="7900"), account=account, stored=(link(1, 101),), policy=policy)
    assert steps(found)[-1].startswith("R07, R06, R11, R19: update in CallGear: planned, as a dry run shows; ")


ONE, TWO = (callgear_employee(number, email="user1@x.test") for number in (101, 102))
CONFLICTS = {
    "ambiguous": (
        {"account": (ONE, TWO)},
        ["R09: in conflict: several employees in CallGear have this e-mail"],
        "R09: nothing was sent: a person must decide who is who",
    ),
    "reused": (
        {"account": (ONE,), "stored": (link(9, 101, last_name="Zimin"),)},
        ["R09: in conflict with CallGear employee 101: e-mail address of a former employee (user 9)"],
        (
            "R09: nothing was sent: a person must approve that the mailbox has passed on:"
            " b24-pipeline approve run-1 --user 1"
        ),
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_r09_a_conflict_says_who_has_the_email_and_what_a_person_must_do(name: str) -> None:
    given, match, end = CONFLICTS[name]
    found = steps(evidence(user(1), **given))
    seen = [step for step in found if step.startswith(": seen in CallGear as employee")]
    assert len(seen) == len(given["account"])
    assert found[-2:] == [*match, end]


def test_r12_a_shared_email_names_the_winner() -> None:
    found = evidence(user(1), user(2, email="user1@x.test"))
    assert steps(found, 2)[-2:] == [
        "R12: in conflict: another user in Bitrix24 has the same e-mail (user 1)",
        "R12: nothing was sent: a person must decide who is who",
    ]


OTHERS = {
    "rejected": (
        user(1, email=None),
        ["R02: rejected: no e-mail in Bitrix24", "R02: nothing was sent: it is rejected"],
    ),
    "out_of_scope": (user(1, email="user1@out.test"), ["R03: out of scope", "R03: nothing had to be sent"]),
    "extranet": (user(1, user_type="extranet"), ["R01: not an employee (a bot", "R01: nothing had to be sent"]),
    "dismissed": (user(1, active=False), ["R13: dismissed", "R14: nothing had to be sent"]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_who_is_no_candidate_is_told_the_rule_that_says_so(name: str) -> None:
    row, expected = OTHERS[name]
    found = steps(evidence(row, policy=Policy(scope=Scope(exclude_emails=("*@out.test",)))))
    assert len(found) == 3
    assert [step.startswith(begin) for step, begin in zip(found[1:], expected, strict=True)] == [True, True]


def test_r14_a_leaver_is_told_with_the_employee_and_the_list() -> None:
    found = evidence(user(1, active=False), account=(callgear_employee(101),), stored=(link(1, 101),))
    removal = action(1, kind=ActionKind.REMOVE_RESPONSIBLE, reason="dismissed", display_name="Name1 Ira")
    told = steps(replace(found, actions=actions(removal)))
    assert told[0].endswith("; dismissed")
    assert told[2].startswith(": seen in CallGear as employee 101")
    assert told[3] == ("R14: remove from the responsible list: done: the user was dismissed in Bitrix24")


def test_an_id_that_the_portal_does_not_know_is_said_to_be_none() -> None:
    found = trace(evidence(user(1)), bitrix24_id=99999)
    assert (found.known, found.person) == (False, "")
    assert [f"{step.rules}: {step.text}" for step in found.steps] == [
        "R13: Bitrix24 has no user 99999: it is not among the 1 user that were read",
        ": nothing had to be sent",
    ]


def test_a_run_that_ended_early_is_told_as_far_as_it_got() -> None:
    whole = evidence(user(1))
    read = replace(whole, callgear_employees=None, matches=None, actions=None)
    assert steps(read)[3:] == [
        ": CallGear was not read: the run ended before",
        ": nothing was sent: the run ended before",
    ]
    assert steps(Evidence(run_id="run-1")) == [": Bitrix24 was not read: the run ended before"]
    broken_off = replace(whole, actions=schemas.empty_frame(schemas.Actions))
    assert steps(broken_off)[-1] == ": nothing was sent: the run ended before"


def test_a_trace_is_a_numbered_list_that_names_the_person_and_the_rules() -> None:
    shown = as_markdown([trace(evidence(user(1)), bitrix24_id=1)]).splitlines()
    assert shown[0] == r"**Name1 Ira, user1\@x.test (Bitrix24 user 1)**".replace("(", r"\(").replace(")", r"\)")
    assert [line.partition(".")[0] for line in shown[2:]] == ["1", "2", "3", "4", "5", "6"]
    assert shown[3] == "2. **R01, R02** a candidate for the import"


def test_hostile_texts_break_out_of_no_trace() -> None:
    person = user(1, last_name=HOSTILE, first_name=HOSTILE, work_phone=HOSTILE)
    found = ended(evidence(person), Outcome.FAILED, error=HOSTILE)
    shown = as_markdown([trace(found, bitrix24_id=1)])
    assert "evil" in shown
    assert [line for line in shown.splitlines() if line and not line.startswith(("**", *"123456"))] == []
    unescaped = shown.replace("**", "").replace("\\\\", "")
    assert [mark for mark in "<>|[]`*_#" if mark in "".join(unescaped.split(f"\\{mark}"))] == []
    assert LINK.search(shown.replace("\\", "")) is None


def test_very_many_people_are_cut() -> None:
    nobody = Trace(bitrix24_id=1, person="", known=False, steps=())
    assert as_markdown([nobody] * (MOST_TRACED + 2)).endswith("… and 2 more: `b24-pipeline explain ID`")
