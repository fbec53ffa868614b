"""What must be true after every run, whatever failed, and after the clean run that follows."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from b24_pipeline.rules.models import ActionKind, Outcome, RunStatus
from b24_pipeline.sandbox import FaultKind, RequestSeen
from b24_pipeline_tests.faults.prepared_scenarios import Ended, Picture, Prepared, State
from b24_pipeline_tests.scenarios import PREFIX

ACCOUNT_FAULTS = frozenset(
    kind.name
    for kind in (
        FaultKind.TOKEN_INVALID,
        FaultKind.TOKEN_EXPIRED,
        FaultKind.TOKEN_BLOCKED,
        FaultKind.IP_NOT_WHITELISTED,
        FaultKind.ACCOUNT_INACTIVE,
    )
)
RENEWABLE = frozenset({FaultKind.TOKEN_INVALID.name, FaultKind.TOKEN_EXPIRED.name})
SETTINGS_OF_A_PHONE = ("phone_number", "channels_count", "dial_time", "status")
PHONE_FIELDS = ("WORK_PHONE", "PERSONAL_MOBILE", "PERSONAL_PHONE")
WELL = frozenset({RunStatus.DONE, RunStatus.PARTIAL, RunStatus.HELD})


def check_both_systems(before: Picture, state: State) -> None:
    """Nobody is doubled or deleted; nothing of anybody is lost or changed that no rule changes."""
    now = state.systems
    nobody_is_doubled(before, now)
    nobody_is_deleted(before, now)
    nothing_is_lost(before, now)
    created_as_they_are_in_the_portal(before, now)
    nobody_is_removed_without_proof(before, now, ever_linked=state.ever_linked)


def nobody_is_doubled(before: Picture, now: Picture) -> None:
    """An e-mail address has one employee, or as many as it had."""
    were, are = (Counter(email_of(employee) for employee in seen.employees.values()) for seen in (before, now))
    doubled = {email: count for email, count in are.items() if email and count > max(1, were[email])}
    assert not doubled, f"doubled: {doubled}"


def nobody_is_deleted(before: Picture, now: Picture) -> None:
    """R13: employees stay."""
    gone = before.employees.keys() - now.employees.keys()
    assert not gone, f"deleted: {gone}"


def nothing_is_lost(before: Picture, now: Picture) -> None:
    """Of an employee that there was, only the last name may change (R06), and phones come where none were (R11)."""
    for number, was in before.employees.items():
        employee = now.employees[number]
        user = user_of(employee, now)
        if employee["last_name"] != was["last_name"]:
            assert user is not None, f"employee {number} was renamed for nobody"
            assert employee["last_name"] == PREFIX + user["LAST_NAME"]
        if phones_of(employee) != phones_of(was):
            assert not was["phone_numbers"], f"employee {number} lost or changed phones: {phones_of(employee)}"
            assert user is not None, f"employee {number} got phones for nobody"
            assert numbers_of(employee) == wanted_numbers(user)
        touched = {name for name in was if name not in ("last_name", "phone_numbers") and employee[name] != was[name]}
        assert not touched, f"employee {number} was changed: {touched}"


def created_as_they_are_in_the_portal(before: Picture, now: Picture) -> None:
    """R10: whoever is new has the portal's name and phones."""
    for number in now.employees.keys() - before.employees.keys():
        employee = now.employees[number]
        user = user_of(employee, now)
        assert user is not None, f"employee {number} was created for nobody"
        assert employee["last_name"] == PREFIX + user["LAST_NAME"]
        assert numbers_of(employee) == wanted_numbers(user)


def nobody_is_removed_without_proof(before: Picture, now: Picture, *, ever_linked: frozenset[int]) -> None:
    """R14, R15: only imported people who left leave the list; only imported people are put on it or renamed."""
    for ext_id in before.responsible.keys() - now.responsible.keys():
        user = now.users.get(int(ext_id))
        assert int(ext_id) in ever_linked, f"{ext_id} was removed from the list and never imported"
        assert user is None or not user["ACTIVE"], f"{ext_id} was removed from the list and is active"
    changed = {key for key, name in now.responsible.items() if before.responsible.get(key) != name}
    for ext_id in changed:
        assert int(ext_id) in ever_linked, f"{ext_id} was listed and never imported"
        user = now.users[int(ext_id)]
        assert user["ACTIVE"]
        assert user["LAST_NAME"] in now.responsible[ext_id]


def check_run(before: Picture, state: State, ended: Ended, *, in_flight: int = 1) -> None:
    """The audit of a run that ended tells the truth, and nothing was written after an account error."""
    nothing_is_written_after_an_account_error(ended.requests, in_flight=in_flight)
    assert not state.violations, "an employee was to be deleted"
    status_fits(ended)
    counts_fit(ended)
    done_actions_happened(state, ended)
    created_employees_are_known(before, state)
    links_are_sound(state)


def nothing_is_written_after_an_account_error(requests: list[RequestSeen], *, in_flight: int = 1) -> None:
    """A refused token, address or account ends the run; what was in flight already cannot be taken back."""
    fatal = [request.number for request in requests if is_account_error(request)]
    if not fatal:
        return
    logins = [request.number for request in requests if request.method == "login.user" and request.number > fatal[0]]
    if logins and len(fatal) == 1:
        return
    late = [request for request in requests if request.is_write and request.number > fatal[-1]]
    assert len(late) < in_flight, f"written after an account error: {[request.method for request in late]}"


def is_account_error(request: RequestSeen) -> bool:
    """The request was refused because of the account."""
    return request.fault in ACCOUNT_FAULTS


def status_fits(ended: Ended) -> None:
    """How a run ended follows from what became of its actions, or it says why."""
    unfinished = bool(ended.counts.failed or ended.counts.deferred)
    if ended.status in (RunStatus.FAILED, RunStatus.UNTRUSTED):
        assert ended.reason, f"{ended.status} without a reason"
        assert "\n" not in ended.reason.strip()
    elif ended.status is RunStatus.PARTIAL:
        assert unfinished or ended.reason
    else:
        assert ended.status is RunStatus.DONE
        assert not unfinished
    assert ended.status is not RunStatus.UNTRUSTED or not ended.writes(), "written although the source is not trusted"


def counts_fit(ended: Ended) -> None:
    """The run's figures are those of its actions."""
    tally = Counter(zip(ended.actions["action"], ended.actions["outcome"], strict=True))
    outcomes = Counter(ended.actions["outcome"])
    assert ended.counts.created == tally[ActionKind.CREATE, Outcome.DONE]
    assert ended.counts.linked == tally[ActionKind.LINK, Outcome.DONE]
    assert ended.counts.responsible_removed == tally[ActionKind.REMOVE_RESPONSIBLE, Outcome.DONE]
    counts = ended.counts
    assert counts.failed == outcomes[Outcome.FAILED]
    assert counts.deferred == outcomes[Outcome.DEFERRED]
    assert counts.backing_off == outcomes[Outcome.WAITING]
    assert counts.held == outcomes[Outcome.HELD]
    unhappy = ended.actions[ended.actions["outcome"].isin([Outcome.FAILED, Outcome.DEFERRED])]
    assert unhappy["error"].notna().all(), "an action failed without a word"


def done_actions_happened(state: State, ended: Ended) -> None:
    """What the audit calls done is so in the account."""
    for action in ended.actions[ended.actions["outcome"] == Outcome.DONE].to_dict("records"):
        happened(action, state)


def happened(action: Mapping[Any, Any], state: State) -> None:
    """One done action is so."""
    now, links = state.systems, state.links
    user, after = int(action["bitrix24_id"]), json.loads(action["after"]) if not pd.isna(action["after"]) else {}
    match ActionKind(action["action"]):
        case ActionKind.REMOVE_RESPONSIBLE:
            assert str(user) not in now.responsible
        case ActionKind.LIST_RESPONSIBLE | ActionKind.RENAME_RESPONSIBLE:
            assert now.responsible[str(user)] == after["last_name"]
        case ActionKind.CREATE | ActionKind.LINK as kind:
            employee = now.employees[int(action["callgear_id"])]
            assert links[user] == employee["id"], f"{kind} of user {user} is done, and no link is stored"
            assert email_of(employee) == str(now.users[user]["EMAIL"]).casefold()
            shown = {**employee, "phone_numbers": numbers_of(employee)}
            assert {name: shown[name] for name in after} == after
        case ActionKind.UPDATE:
            shown = now.employees[int(action["callgear_id"])]
            shown = {**shown, "phone_numbers": numbers_of(shown)}
            assert {name: shown[name] for name in after} == after
        case kind:
            raise AssertionError(f"no scenario has a {kind}")


def created_employees_are_known(before: Picture, state: State) -> None:
    """Whoever we created is linked, or the create is announced and not forgotten."""
    linked, employees = set(state.links.values()), state.systems.employees
    for number in employees.keys() - before.employees.keys():
        assert number in linked or email_of(employees[number]) in state.announced, f"employee {number} is forgotten"


def links_are_kept(before: Mapping[int, int], now: Mapping[int, int]) -> None:
    """No stored link is lost."""
    assert {user: now.get(user) for user in before} == dict(before)


def links_are_sound(state: State) -> None:
    """A link is one to one, and both its ends are there and are the same person."""
    links, now = state.links, state.systems
    assert len(set(links.values())) == len(links), f"two users have one employee: {links}"
    for user, number in links.items():
        assert number in now.employees, f"user {user} is linked with employee {number}, whom there is not"
        email = now.users[user]["EMAIL"] if user in now.users else None
        assert email is None or email.casefold() == email_of(now.employees[number])


def check_converged(state: State, prepared: Prepared, ended: Ended) -> None:
    """After a clean run everything is as if nothing had failed, and nothing is left to be done."""
    assert (ended.status, ended.reason) == (RunStatus.DONE, None)
    now = state.systems
    assert {user: now.employees[number]["email"] for user, number in state.links.items()} == prepared.links
    assert contents(now) == contents(prepared.good)
    assert now.responsible == prepared.good.responsible
    assert not state.announced
    assert not state.failing


def contents(seen: Picture) -> dict[str, tuple[Any, ...]]:
    """What every employee has, without the ids that the account gives."""
    return {
        email_of(employee): (
            employee["first_name"],
            employee["last_name"],
            employee["patronymic"],
            phones_of(employee),
            employee["groups"],
            employee["extension"],
        )
        for employee in seen.employees.values()
    }


def email_of(employee: Mapping[str, Any]) -> str:
    """The address as it is compared."""
    return str(employee["email"] or "").casefold()


def user_of(employee: Mapping[str, Any], seen: Picture) -> dict[str, Any] | None:
    """The user with the employee's e-mail address."""
    return next((user for user in seen.users.values() if user["EMAIL"].casefold() == email_of(employee)), None)


def phones_of(employee: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The employee's numbers with their settings, in their order."""
    return [tuple(entry[name] for name in SETTINGS_OF_A_PHONE) for entry in employee["phone_numbers"]]


def numbers_of(employee: Mapping[str, Any]) -> list[str]:
    """The employee's numbers, in their order."""
    return [entry["phone_number"] for entry in employee["phone_numbers"]]


def wanted_numbers(user: Mapping[str, Any]) -> list[str]:
    """R05, as far as the scenarios need it: the digits of the user's phones."""
    return ["".join(filter(str.isdigit, user[name])) for name in PHONE_FIELDS if user.get(name)]
