"""R09, R11, contract 5.5: an update changes what it shall and takes nothing away, however the account behaves."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from b24_pipeline.callgear.capabilities import AccountCapabilities, UnverifiedUpdate, UpdateMode
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import (
    AccountError,
    MethodError,
    RecordError,
    RecordFault,
    RequestError,
    SipNumberError,
    StaleLossError,
    UnknownOutcome,
    UpdatesHalted,
)
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.update import EmployeeUpdater, UpdateResult
from b24_pipeline.callgear.update_recovery import lost_fields
from b24_pipeline.sandbox import Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.callgear.behavior import Component, PhonesOmitted
from b24_pipeline_tests.callgear.conftest import Connect, answering
from b24_pipeline_tests.callgear.test_client import LOST, methods

UPDATE = "update.employees"
NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
NEW = "(bitrix24) Lebedeva"
PHONES = (PhoneEntry("971505550142"), PhoneEntry("97145550100...204"))
ACCEPTED, REQUIRED, CLEARING = PhonesOmitted.ACCEPTED, PhonesOmitted.REQUIRED, PhonesOmitted.CLEARING
EXTENSION = {"extension_phone_number": "104", "extension_voice_mail_enabled": False, "extension_queue_enabled": True}


def add(sandbox: Sandbox, *phones: Any, **fields: Any) -> int:
    usual = {"first_name": "Ira", "last_name": "Lebedeva", "email": "ira@x.test", "groups": [3301], "extension": {}}
    return sandbox.account.add_employee(phone_numbers=phones, **{**usual, **fields})


def busy(digits: str) -> dict[str, Any]:
    return {"phone_number": digits, "channels_count": 3, "dial_time": 25, "status": "inactive"}


def mode(sandbox: Sandbox, phones_omitted: PhonesOmitted, **switches: Any) -> None:
    sandbox.callgear = replace(sandbox.callgear, minute_limit=10_000, phones_omitted=phones_omitted, **switches)


def but_last_name(sandbox: Sandbox, callgear_id: int) -> dict[str, Any]:
    employee = deepcopy(sandbox.account.employees[callgear_id])
    del employee["last_name"]
    return employee


def updates(sandbox: Sandbox) -> list[set[str]]:
    return [set(request.params) for request in sandbox.requests if request.method == UPDATE]


def capabilities(known: UpdateMode) -> AccountCapabilities:
    return AccountCapabilities(update_mode=known)


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
@pytest.mark.parametrize("known", list(UpdateMode))
@pytest.mark.parametrize("phones", [(), (busy("971505550142"), "97145550100...204")])
@pytest.mark.parametrize("extension", [{}, EXTENSION])
def test_r11_an_update_of_the_last_name_changes_nothing_else(
    client: CallGear,
    sandbox: Sandbox,
    resets: bool,
    phones_omitted: PhonesOmitted,
    known: UpdateMode,
    phones: tuple[Any, ...],
    extension: dict[str, Any],
) -> None:
    mode(sandbox, phones_omitted, resets_phone_settings=resets)
    callgear_id = add(sandbox, *phones, extension=extension)
    before = but_last_name(sandbox, callgear_id)
    writer = EmployeeUpdater(client, capabilities(known))

    result = writer.update(callgear_id, last_name=NEW)

    assert result == UpdateResult(sent=True, phones_added=False)
    assert sandbox.account.employees[callgear_id]["last_name"] == NEW
    assert but_last_name(sandbox, callgear_id) == before


@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
@pytest.mark.parametrize("known", list(UpdateMode))
def test_r11_phones_are_added_where_there_are_none(
    client: CallGear, sandbox: Sandbox, phones_omitted: PhonesOmitted, known: UpdateMode
) -> None:
    mode(sandbox, phones_omitted)
    callgear_id = add(sandbox, extension=EXTENSION)

    result = EmployeeUpdater(client, capabilities(known)).update(callgear_id, last_name=NEW, phone_numbers=PHONES)

    employee = sandbox.account.employees[callgear_id]
    assert result == UpdateResult(sent=True, phones_added=True)
    assert [phone["phone_number"] for phone in employee["phone_numbers"]] == ["971505550142", "97145550100...204"]
    assert (employee["last_name"], employee["groups"], employee["extension"]) == (NEW, [3301], EXTENSION)


@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
def test_r11_phones_that_somebody_added_meanwhile_are_not_replaced(
    client: CallGear, sandbox: Sandbox, phones_omitted: PhonesOmitted
) -> None:
    mode(sandbox, phones_omitted)
    callgear_id = add(sandbox, busy("97145550177"))
    before = but_last_name(sandbox, callgear_id)

    result = EmployeeUpdater(client).update(callgear_id, last_name=NEW, phone_numbers=PHONES)

    assert result == UpdateResult(sent=True, phones_added=False)
    assert but_last_name(sandbox, callgear_id) == before


def test_r11_a_shared_number_keeps_its_holder_s_settings(client: CallGear, sandbox: Sandbox) -> None:
    holder = add(sandbox, busy("971505550142"))
    callgear_id = add(sandbox)
    before = but_last_name(sandbox, holder)
    shared = PhoneEntry("971505550142", channels_count=3, dial_time=25, status="inactive")

    EmployeeUpdater(client).update(callgear_id, last_name=NEW, phone_numbers=(shared,))

    assert but_last_name(sandbox, holder) == before
    assert sandbox.account.employees[callgear_id]["phone_numbers"] == sandbox.account.employees[holder]["phone_numbers"]


def test_r09_nothing_is_sent_when_all_is_right_already(client: CallGear, sandbox: Sandbox) -> None:
    callgear_id = add(sandbox, "971505550142", last_name=NEW)

    result = EmployeeUpdater(client).update(callgear_id, last_name=NEW, phone_numbers=PHONES)

    assert result == UpdateResult(sent=False, phones_added=False)
    assert sandbox.writes() == []


@pytest.mark.parametrize("kind", [None, FaultKind.RESET_BEFORE])
@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
def test_an_update_of_phones_alone_keeps_the_last_name_of_that_moment(
    client: CallGear, sandbox: Sandbox, phones_omitted: PhonesOmitted, kind: FaultKind | None
) -> None:
    mode(sandbox, phones_omitted)
    callgear_id = add(sandbox)
    if kind:
        sandbox.faults.add(Fault(kind=kind, api="callgear", method=UPDATE, nth=1))

    def rename(request: Any, phase: Any) -> None:
        if request.method == "get.employees" and phase == "before":
            sandbox.account.employees[callgear_id]["last_name"] = f"Renamed {len(sandbox.requests)}"

    sandbox.on_request = rename

    result = EmployeeUpdater(client).update(callgear_id, phone_numbers=PHONES)

    assert result == UpdateResult(sent=True, phones_added=True)
    sent = [request.params["last_name"] for request in sandbox.requests if request.method == UPDATE]
    assert sent == (["Renamed 1", "Renamed 3"] if kind else ["Renamed 1"])


def test_without_anything_to_set_nothing_is_asked_for(client: CallGear, sandbox: Sandbox) -> None:
    callgear_id = add(sandbox, "971505550142")

    assert EmployeeUpdater(client).update(callgear_id) == UpdateResult(sent=False, phones_added=False)
    assert EmployeeUpdater(client).update(callgear_id, phone_numbers=PHONES) == UpdateResult(False, False)

    assert methods(sandbox) == ["get.employees"]


@pytest.mark.parametrize("known", [UpdateMode.UNKNOWN, UpdateMode.MINIMAL])
def test_the_minimal_form_is_watched_once_a_run_and_then_trusted(
    client: CallGear, sandbox: Sandbox, known: UpdateMode
) -> None:
    ids = [add(sandbox, "971505550142") for _ in range(3)]
    writer = EmployeeUpdater(client, capabilities(known))

    for callgear_id in ids:
        writer.update(callgear_id, last_name=NEW)

    looks = ["get.employees", "get.sip_lines"] if known is UpdateMode.UNKNOWN else ["get.employees"]
    assert methods(sandbox) == [*looks, UPDATE, "get.employees", UPDATE, UPDATE]
    assert updates(sandbox) == [{"id", "last_name"}] * 3
    assert writer.capabilities == capabilities(UpdateMode.MINIMAL)


def test_an_employee_without_phones_proves_nothing(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, CLEARING)
    bare, full = add(sandbox), add(sandbox, "971505550142")
    writer = EmployeeUpdater(client)

    writer.update(bare, last_name=NEW)
    assert writer.capabilities == capabilities(UpdateMode.UNKNOWN)
    writer.update(full, last_name=NEW)

    assert writer.capabilities == capabilities(UpdateMode.ECHO)
    assert len(sandbox.account.employees[full]["phone_numbers"]) == 1


def test_filling_phones_is_watched_once_a_run(client: CallGear, sandbox: Sandbox) -> None:
    ids = [add(sandbox) for _ in range(3)]
    writer = EmployeeUpdater(client)

    for number, callgear_id in enumerate(ids):
        writer.update(callgear_id, last_name=NEW, phone_numbers=(PhoneEntry(f"97150555014{number}"),))

    once = ["get.employees", UPDATE]
    assert methods(sandbox) == [*once, "get.employees", *once, *once]
    assert writer.capabilities == capabilities(UpdateMode.UNKNOWN), (
        "whether phones may be left out is not known by that"
    )


def test_an_account_that_demands_phones_gets_every_entry_back_verbatim(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, REQUIRED)
    callgear_id = add(sandbox, busy("971505550142"), "97145550100...204")
    held = deepcopy(sandbox.account.employees[callgear_id]["phone_numbers"])
    writer = EmployeeUpdater(client)

    writer.update(callgear_id, last_name=NEW)

    sent = [request.params for request in sandbox.requests if request.method == UPDATE]
    assert [set(params) for params in sent] == [{"id", "last_name"}, {"id", "last_name", "phone_numbers"}]
    assert sent[1]["phone_numbers"] == held
    assert list(sent[1]["phone_numbers"][0]) == ["phone_id", "phone_number", "channels_count", "dial_time", "status"]
    assert writer.capabilities == capabilities(UpdateMode.ECHO)


@pytest.mark.parametrize("demanded_as", ["phone_numbers", "employee.phone_numbers", None])
def test_phones_may_be_demanded_in_any_words(client: CallGear, sandbox: Sandbox, demanded_as: str | None) -> None:
    mode(sandbox, REQUIRED, demanded_as=demanded_as)
    ids = [add(sandbox, busy("971505550142")) for _ in range(2)]
    writer = EmployeeUpdater(client)

    for callgear_id in ids:
        writer.update(callgear_id, last_name=NEW)

    assert updates(sandbox) == [{"id", "last_name"}, *[{"id", "last_name", "phone_numbers"}] * 2]
    assert writer.capabilities == capabilities(UpdateMode.ECHO)


def test_what_is_missing_beside_the_phones_is_a_fault_of_ours(client: CallGear, sandbox: Sandbox) -> None:
    callgear_id = add(sandbox, "971505550142")
    sandbox.faults.add(
        Fault(kind=FaultKind.MNEMONIC, api="callgear", method=UPDATE, mnemonic="required_parameter_missed")
    )

    with pytest.raises(RequestError):
        EmployeeUpdater(client, capabilities(UpdateMode.ECHO)).update(callgear_id, last_name=NEW)

    assert len(updates(sandbox)) == 1


def test_what_was_learned_is_not_tried_again(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, REQUIRED)
    ids = [add(sandbox, f"97150555014{number}") for number in range(3)]
    writer = EmployeeUpdater(client)
    writer.update(ids[0], last_name=NEW)

    for callgear_id in ids[1:]:
        EmployeeUpdater(client, writer.capabilities).update(callgear_id, last_name=NEW)

    assert updates(sandbox) == [{"id", "last_name"}, *[{"id", "last_name", "phone_numbers"}] * 3]


def test_an_echo_of_nothing_is_an_empty_list(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, REQUIRED)

    EmployeeUpdater(client, capabilities(UpdateMode.ECHO)).update(add(sandbox), last_name=NEW)

    assert sandbox.writes()[0].params["phone_numbers"] == []


def test_the_account_may_begin_to_demand_phones_in_the_middle_of_a_run(client: CallGear, sandbox: Sandbox) -> None:
    ids = [add(sandbox, busy("971505550142")) for _ in range(3)]
    writer = EmployeeUpdater(client)
    writer.update(ids[0], last_name=NEW)
    mode(sandbox, REQUIRED)

    for callgear_id in ids[1:]:
        writer.update(callgear_id, last_name=NEW)

    assert writer.capabilities == capabilities(UpdateMode.ECHO)
    assert all(employee["last_name"] == NEW for employee in sandbox.account.employees.values())
    assert all(len(employee["phone_numbers"]) == 1 for employee in sandbox.account.employees.values())


def test_phones_that_vanish_are_put_back_and_echoed_from_then_on(
    client: CallGear, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    mode(sandbox, CLEARING)
    ids = [add(sandbox, busy(f"97150555014{number}"), "97145550100") for number in range(3)]
    before = [but_last_name(sandbox, callgear_id) for callgear_id in ids]
    writer = EmployeeUpdater(client, capabilities(UpdateMode.MINIMAL))

    for callgear_id in ids:
        writer.update(callgear_id, last_name=NEW)

    assert [but_last_name(sandbox, callgear_id) for callgear_id in ids] == before
    assert writer.capabilities == capabilities(UpdateMode.ECHO)
    assert f"employee {ids[0]} " in caplog.text
    assert "97150555" not in caplog.text


def hostile(sandbox: Sandbox, *, clears: tuple[str, ...], gives_in: bool = True) -> None:
    """An account that clears on every update what the update does not name."""

    def clear(request: Any, phase: Any) -> None:
        if request.method == UPDATE and phase == "after":
            employee = sandbox.account.employees[request.params["id"]]
            empty = {"phone_numbers": [], "groups": [], "extension": {}}
            employee.update({name: empty[name] for name in clears if not (gives_in and name in request.params)})

    sandbox.on_request = clear


@pytest.mark.parametrize("clears", [("groups",), ("extension",), ("groups", "extension"), ("phone_numbers", "groups")])
@pytest.mark.parametrize("new_phones", [None, PHONES])
def test_groups_and_extension_that_vanish_are_put_back_too(
    client: CallGear, sandbox: Sandbox, clears: tuple[str, ...], new_phones: tuple[PhoneEntry, ...] | None
) -> None:
    held = () if new_phones else ("971505550142",)
    callgear_id = add(sandbox, *held, groups=[3301, 3302], extension=EXTENSION)
    hostile(sandbox, clears=clears)

    EmployeeUpdater(client).update(callgear_id, last_name=NEW, phone_numbers=new_phones)

    employee = sandbox.account.employees[callgear_id]
    assert (employee["groups"], employee["extension"]) == ([3301, 3302], EXTENSION)
    assert len(employee["phone_numbers"]) == (2 if new_phones else 1)


def test_what_cannot_be_put_back_halts_all_updates(client: CallGear, sandbox: Sandbox) -> None:
    victim, others = add(sandbox, groups=[3301]), [add(sandbox, "971505550142") for _ in range(3)]
    hostile(sandbox, clears=("groups",), gives_in=False)
    writer = EmployeeUpdater(client)

    for callgear_id in (victim, *others):
        with pytest.raises(UpdatesHalted) as caught:
            writer.update(callgear_id, last_name=NEW)

    assert isinstance(caught.value, MethodError)
    assert {request.params["id"] for request in sandbox.writes()} == {victim}


def test_numbers_whose_ids_are_no_longer_known_are_put_back_as_numbers(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, CLEARING)
    callgear_id = add(sandbox, busy("971505550142"))

    def forget(request: Any, phase: Any) -> None:
        if (
            request.method == UPDATE
            and phase == "after"
            and not sandbox.account.employees[callgear_id]["phone_numbers"]
        ):
            sandbox.account.numbers.clear()
            sandbox.account.index_numbers()

    sandbox.on_request = forget

    EmployeeUpdater(client).update(callgear_id, last_name=NEW)

    (phone,) = sandbox.account.employees[callgear_id]["phone_numbers"]
    assert {name: phone[name] for name in busy("")} == busy("971505550142")


@pytest.mark.parametrize("loses_sip_entries", [False, True])
@pytest.mark.parametrize("components", [frozenset(Component), frozenset({Component.SALES_FUNNEL})])
def test_sip_numbers_are_never_echoed(
    client: CallGear, sandbox: Sandbox, loses_sip_entries: bool, components: frozenset[Component]
) -> None:
    mode(sandbox, REQUIRED, loses_sip_entries=loses_sip_entries, components=components)
    callgear_id = add(sandbox, "971505550142")
    sandbox.account.add_sip_line(callgear_id, "042917")
    before = deepcopy(sandbox.account.employees[callgear_id])

    with pytest.raises(SipNumberError, match="manually") as caught:
        EmployeeUpdater(client).update(callgear_id, last_name=NEW)

    assert caught.value.fault is RecordFault.SIP_NUMBERS
    assert sandbox.writes() == []
    assert sandbox.account.employees[callgear_id] == before
    assert not any("password" in request.params.get("fields", []) for request in sandbox.requests)


def with_sip_line(sandbox: Sandbox) -> int:
    """An employee with a SIP line and an ordinary number."""
    callgear_id = add(sandbox, "971505550142", extension=EXTENSION)
    sandbox.account.add_sip_line(callgear_id, "042917")
    return callgear_id


def sip_holders(sandbox: Sandbox) -> list[int | None]:
    return [line["employee_id"] for line in sandbox.account.sip_lines.values()]


@pytest.mark.parametrize("loses_sip_entries", [False, True])
@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
def test_until_an_update_has_proven_harmless_nobody_s_sip_numbers_are_at_stake(
    client: CallGear, sandbox: Sandbox, phones_omitted: PhonesOmitted, loses_sip_entries: bool
) -> None:
    mode(sandbox, phones_omitted, loses_sip_entries=loses_sip_entries)
    sip, ordinary = with_sip_line(sandbox), add(sandbox, "97145550100")
    writer = EmployeeUpdater(client)

    with pytest.raises(SipNumberError, match="manually"):
        writer.update(sip, last_name=NEW)
    assert sandbox.writes() == []
    assert writer.capabilities == capabilities(UpdateMode.UNKNOWN)

    writer.update(ordinary, last_name=NEW)
    if phones_omitted is ACCEPTED:
        writer.update(sip, last_name=NEW)
        assert sandbox.account.employees[sip]["last_name"] == NEW
    else:
        with pytest.raises(SipNumberError):
            writer.update(sip, last_name=NEW)
    assert sip_holders(sandbox) == [sip]


@pytest.mark.parametrize("components", [frozenset(Component), frozenset({Component.SALES_FUNNEL})])
def test_sip_numbers_that_vanish_all_the_same_are_not_put_back_as_dead_ones_but_halt_updates(
    client: CallGear, sandbox: Sandbox, components: frozenset[Component]
) -> None:
    mode(sandbox, CLEARING, components=components)
    sip, ordinary = with_sip_line(sandbox), add(sandbox, "97145550100")
    writer = EmployeeUpdater(client, capabilities(UpdateMode.MINIMAL))

    for callgear_id in (sip, ordinary):
        with pytest.raises(UpdatesHalted):
            writer.update(callgear_id, last_name=NEW)

    assert updates(sandbox) == [{"id", "last_name"}]


@pytest.mark.parametrize("loses_sip_entries", [False, True])
@pytest.mark.parametrize("clears", [("groups",), ("extension",), ("groups", "extension")])
def test_what_else_vanished_is_put_back_without_touching_sip_numbers(
    client: CallGear, sandbox: Sandbox, loses_sip_entries: bool, clears: tuple[str, ...]
) -> None:
    mode(sandbox, ACCEPTED, loses_sip_entries=loses_sip_entries)
    callgear_id = with_sip_line(sandbox)
    before = but_last_name(sandbox, callgear_id)
    hostile(sandbox, clears=clears)

    EmployeeUpdater(client, capabilities(UpdateMode.MINIMAL)).update(callgear_id, last_name=NEW)

    assert but_last_name(sandbox, callgear_id) == before
    assert sip_holders(sandbox) == [callgear_id]
    assert not any("phone_numbers" in update for update in updates(sandbox))


@pytest.mark.parametrize("known", list(UpdateMode))
def test_groups_are_put_back_where_the_account_demands_phones(
    client: CallGear, sandbox: Sandbox, known: UpdateMode
) -> None:
    mode(sandbox, REQUIRED)
    callgear_id = add(sandbox, extension=EXTENSION)
    hostile(sandbox, clears=("groups",))

    EmployeeUpdater(client, capabilities(known)).update(callgear_id, last_name=NEW, phone_numbers=PHONES)

    employee = sandbox.account.employees[callgear_id]
    assert (employee["groups"], len(employee["phone_numbers"])) == ([3301], 2)


def test_an_update_that_turns_out_to_fill_nothing_is_a_canary_like_any_other(
    client: CallGear, sandbox: Sandbox
) -> None:
    mode(sandbox, CLEARING)
    bare, sip = add(sandbox), with_sip_line(sandbox)
    writer = EmployeeUpdater(client)
    writer.update(bare, last_name=NEW, phone_numbers=PHONES)

    with pytest.raises(SipNumberError):
        writer.update(sip, last_name=NEW, phone_numbers=PHONES)

    assert sip_holders(sandbox) == [sip]


def test_without_sip_lines_to_compare_full_numbers_are_echoed(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, REQUIRED, components=frozenset({Component.SALES_FUNNEL}))
    callgear_id = add(sandbox, "971505550142", "97145550100...20")

    assert EmployeeUpdater(client).update(callgear_id, last_name=NEW).sent


@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
@pytest.mark.parametrize("digits", ["0429117", "00429117001", "429117001", "0429117...20"])
def test_without_sip_lines_to_compare_what_lacks_a_country_code_may_be_a_sip_number(
    client: CallGear, sandbox: Sandbox, phones_omitted: PhonesOmitted, digits: str
) -> None:
    """No country code begins with 0 (contract 5.3), and the contract's own SIP number is one of seven digits."""
    mode(sandbox, phones_omitted)
    sandbox.faults.add(Fault(FaultKind.MNEMONIC, method="get.sip_lines", mnemonic="forbidden", code=-32003, times=None))
    callgear_id = add(sandbox, "971505550142")
    sandbox.account.add_sip_line(callgear_id, digits)

    with pytest.raises(SipNumberError, match="manually"):
        EmployeeUpdater(client).update(callgear_id, last_name=NEW)

    assert sandbox.writes() == []
    assert sip_holders(sandbox) == [callgear_id]


def test_a_short_number_that_is_no_sip_line_is_echoed(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, REQUIRED)
    callgear_id, other = add(sandbox, "0429"), add(sandbox)
    sandbox.account.add_sip_line(other, "0777")

    assert EmployeeUpdater(client).update(callgear_id, last_name=NEW).sent


@pytest.mark.sampled(2)
@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("phones", [None, PHONES])
def test_r18_an_update_of_unknown_outcome_is_looked_at_and_takes_nothing(
    client: CallGear,
    sandbox: Sandbox,
    phones_omitted: PhonesOmitted,
    kind: FaultKind,
    phones: tuple[PhoneEntry, ...] | None,
) -> None:
    mode(sandbox, phones_omitted)
    held = () if phones else (busy("971505550142"),)
    callgear_id = add(sandbox, *held, extension=EXTENSION)
    before = but_last_name(sandbox, callgear_id)
    sandbox.faults.add(Fault(kind=kind, api="callgear", method=UPDATE, nth=1))

    result = EmployeeUpdater(client).update(callgear_id, last_name=NEW, phone_numbers=phones)

    employee = sandbox.account.employees[callgear_id]
    assert employee["last_name"] == NEW
    assert result.phones_added is bool(phones)
    if phones:
        assert [phone["phone_number"] for phone in employee["phone_numbers"]] == [
            phone.phone_number for phone in phones
        ]
    else:
        assert but_last_name(sandbox, callgear_id) == before


@pytest.mark.parametrize("kind", LOST)
def test_r18_a_fault_while_putting_back_does_not_lose_phones(
    client: CallGear, sandbox: Sandbox, kind: FaultKind
) -> None:
    mode(sandbox, CLEARING)
    callgear_id = add(sandbox, busy("971505550142"))
    before = but_last_name(sandbox, callgear_id)
    sandbox.faults.add(Fault(kind=kind, api="callgear", method=UPDATE, nth=2))

    EmployeeUpdater(client).update(callgear_id, last_name=NEW)

    assert but_last_name(sandbox, callgear_id) == before


def test_r18_repeats_of_an_update_are_bounded(client: CallGear, sandbox: Sandbox) -> None:
    callgear_id = add(sandbox, "971505550142")
    sandbox.faults.add(Fault(kind=FaultKind.HTTP_502_HTML, api="callgear", method=UPDATE, times=None))

    with pytest.raises(UnknownOutcome):
        EmployeeUpdater(client).update(callgear_id, last_name=NEW)

    assert len(updates(sandbox)) == 3


def test_a_proven_update_of_unknown_outcome_is_looked_at_too(client: CallGear, sandbox: Sandbox) -> None:
    first, second = add(sandbox, "971505550142"), add(sandbox, "971505550142")
    writer = EmployeeUpdater(client)
    writer.update(first, last_name=NEW)
    sandbox.faults.add(Fault(kind=FaultKind.RESET_AFTER, api="callgear", method=UPDATE, nth=1))

    writer.update(second, last_name=NEW)

    assert methods(sandbox)[-2:] == [UPDATE, "get.employees"]


def test_an_employee_that_is_gone_is_a_record_s_matter(client: CallGear) -> None:
    with pytest.raises(RecordError) as caught:
        EmployeeUpdater(client).update(7, last_name=NEW)

    assert caught.value.fault is RecordFault.ENTITY_NOT_FOUND


def test_r18_an_account_error_ends_an_update_at_once(client: CallGear, sandbox: Sandbox) -> None:
    callgear_id = add(sandbox, "971505550142")
    sandbox.faults.add(Fault(kind=FaultKind.TOKEN_BLOCKED, api="callgear", method=UPDATE, nth=1))

    with pytest.raises(AccountError):
        EmployeeUpdater(client).update(callgear_id, last_name=NEW)

    assert methods(sandbox)[-1] == UPDATE


@pytest.mark.parametrize("proven", [False, True])
def test_other_refusals_of_an_update_are_told_as_they_are(client: CallGear, sandbox: Sandbox, proven: bool) -> None:
    first, second = add(sandbox, "971505550142"), add(sandbox, "971505550142")
    writer = EmployeeUpdater(client)
    if proven:
        writer.update(first, last_name=NEW)
    sandbox.faults.add(
        Fault(kind=FaultKind.MNEMONIC, api="callgear", method=UPDATE, nth=1, mnemonic="data_limit_exceeded")
    )

    with pytest.raises(RecordError) as caught:
        writer.update(second, last_name=NEW)

    assert caught.value.fault is RecordFault.DATA_LIMIT_EXCEEDED


def test_phones_that_were_not_stored_are_told() -> None:
    employee = {"id": 7, "last_name": "Lebedeva", "phone_numbers": [], "groups": [], "extension": {}}

    def response(envelope: dict[str, Any]) -> dict[str, Any]:
        if envelope["method"] == UPDATE:
            return {"result": {}}
        return {"result": {"data": [employee], "metadata": {"total_items": 1}}}

    with pytest.raises(RecordError) as caught:
        EmployeeUpdater(answering(response)).update(7, last_name=NEW, phone_numbers=PHONES)

    assert caught.value.fault is RecordFault.NOT_STORED


@pytest.mark.parametrize("phones_omitted", list(PhonesOmitted))
def test_updates_of_several_threads_take_nothing_away(
    client: CallGear, sandbox: Sandbox, phones_omitted: PhonesOmitted
) -> None:
    mode(sandbox, phones_omitted)
    ids = [add(sandbox, *((busy(f"9715055501{number}"),) if number % 2 else ())) for number in range(10, 40)]
    before = {callgear_id: but_last_name(sandbox, callgear_id) for callgear_id in ids}
    writer = EmployeeUpdater(client)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda callgear_id: writer.update(callgear_id, last_name=NEW), ids))

    assert {callgear_id: but_last_name(sandbox, callgear_id) for callgear_id in ids} == before
    assert all(employee["last_name"] == NEW for employee in sandbox.account.employees.values())


def test_until_one_is_proven_updates_go_one_by_one(client: CallGear, sandbox: Sandbox) -> None:
    mode(sandbox, CLEARING)
    ids = [add(sandbox, "971505550142") for _ in range(8)]
    writer = EmployeeUpdater(client)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda callgear_id: writer.update(callgear_id, last_name=NEW), ids))

    assert updates(sandbox).count({"id", "last_name"}) == 1


def left_unchecked(sandbox: Sandbox, client: CallGear, callgear_id: int) -> AccountCapabilities:
    """What a run knows that dies between an update and the look at what it took away."""
    sandbox.faults.add(Fault(kind=FaultKind.TOKEN_BLOCKED, api="callgear", method="get.employees", nth=2))
    writer = EmployeeUpdater(client, now=lambda: NOON)
    with pytest.raises(AccountError):
        writer.update(callgear_id, last_name=NEW)
    return writer.capabilities


@pytest.mark.parametrize("hours", [0, 24])
def test_what_a_broken_run_took_away_is_put_back_by_the_next(
    client: CallGear, connect: Connect, sandbox: Sandbox, hours: int
) -> None:
    mode(sandbox, CLEARING)
    callgear_id = add(sandbox, busy("971505550142"))
    before = but_last_name(sandbox, callgear_id)
    known = left_unchecked(sandbox, client, callgear_id)
    assert known.unverified is not None
    assert UnverifiedUpdate.of_json(known.unverified.as_json()) == known.unverified
    writer = EmployeeUpdater(connect(), known, now=lambda: NOON + timedelta(hours=hours))

    restored = writer.recover_interrupted_update()

    assert restored is not None
    assert but_last_name(sandbox, callgear_id) == before
    assert writer.capabilities == capabilities(UpdateMode.ECHO)


@pytest.mark.parametrize("gone", [False, True])
def test_what_is_missing_long_after_a_broken_run_may_be_somebody_s_wish(
    client: CallGear, connect: Connect, sandbox: Sandbox, gone: bool
) -> None:
    callgear_id = add(sandbox, busy("971505550142"))
    known = left_unchecked(sandbox, client, callgear_id)
    sandbox.account.employees[callgear_id]["phone_numbers"] = []
    if gone:
        sandbox.account.remove_employee(callgear_id)
    writer = EmployeeUpdater(connect(), known, now=lambda: NOON + timedelta(hours=25))
    sandbox.requests.clear()

    if gone:
        assert writer.recover_interrupted_update() is None
    else:
        with pytest.raises(StaleLossError, match=r"phone_numbers .* manually") as caught:
            writer.recover_interrupted_update()
        assert "97150" not in str(caught.value)

    assert sandbox.writes() == []
    assert writer.capabilities == capabilities(UpdateMode.UNKNOWN), "nothing is learned by that, and it is told once"


def test_an_old_loss_keeps_nobody_else_from_being_updated(client: CallGear, connect: Connect, sandbox: Sandbox) -> None:
    callgear_id, other = add(sandbox, busy("971505550142")), add(sandbox, "97145550100")
    known = left_unchecked(sandbox, client, callgear_id)
    sandbox.account.employees[callgear_id]["phone_numbers"] = []

    assert EmployeeUpdater(connect(), known, now=lambda: NOON + timedelta(hours=25)).update(other, last_name=NEW).sent

    assert sandbox.account.employees[callgear_id]["phone_numbers"] == []


def entry(digits: str, **settings: Any) -> dict[str, Any]:
    return {"phone_id": 1, "phone_number": digits, "channels_count": 1, "dial_time": 60, "status": "active", **settings}


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ({}, {"phone_numbers": [entry("1")]}, {}),
        ({"phone_numbers": [entry("1")]}, {"phone_numbers": [entry("1", phone_id=2)]}, {}),
        ({"phone_numbers": [entry("1")]}, {"phone_numbers": [entry("2"), entry("1")]}, {}),
        ({"phone_numbers": [entry("1")]}, {"phone_numbers": [entry("2")]}, {"phone_numbers": [entry("1"), entry("2")]}),
        (
            {"phone_numbers": [entry("1", dial_time=9)]},
            {"phone_numbers": [entry("1")]},
            {"phone_numbers": [entry("1", dial_time=9)]},
        ),
        (
            {"phone_numbers": [entry("1"), entry("2")]},
            {"phone_numbers": [entry("2"), entry("1")]},
            {"phone_numbers": [entry("1"), entry("2")]},
        ),
        ({"groups": [{"group_id": 1}]}, {"groups": [{"group_id": 2}]}, {"groups": [1, 2]}),
        ({"groups": [{"group_id": 1}]}, {"groups": [{"group_id": 2}, {"group_id": 1}]}, {}),
        ({"extension": EXTENSION}, {"extension": None}, {"extension": EXTENSION}),
        ({"extension": None}, {"extension": {}}, {}),
    ],
)
def test_what_is_missing_is_told_as_it_is_written(
    before: dict[str, Any], after: dict[str, Any], lost: dict[str, Any]
) -> None:
    assert lost_fields(before, after) == lost
