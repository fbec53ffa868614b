"""T7, contract 5.3: a number that somebody in the account already has is added as it is at that moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from b24_pipeline.callgear.employees import fetch_employees
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.sync.shared_numbers import SharedNumbers
from b24_pipeline_tests.callgear.conftest import answering

NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
SHARED, OWN = "74955550000", "79005550001"


class Account:
    """An account whose employees can be changed between the requests."""

    def __init__(self) -> None:
        self.employees: dict[int, list[dict[str, Any]]] = {7: [held(SHARED)], 8: [held(SHARED), held("7999")], 9: []}
        self.reads = 0
        self.now = NOON
        self.begin_run()

    def begin_run(self) -> None:
        """A run begins."""
        client = answering(self.answer)
        self.numbers = SharedNumbers(client, now=lambda: self.now)
        self.numbers.load(fetch_employees(client))
        self.reads = 0

    def answer(self, envelope: dict[str, Any]) -> dict[str, Any]:
        self.reads += 1
        asked = envelope["params"].get("filter", {}).get("value")
        rows = [
            {"id": number, "last_name": "Haddad", "email": None, "phone_numbers": phones}
            for number, phones in self.employees.items()
            if asked in (None, number)
        ]
        return {"result": {"data": rows, "metadata": {"total_items": len(rows)}}}


def held(number: str, dial_time: int = 25) -> dict[str, Any]:
    return {"phone_id": 1, "phone_number": number, "channels_count": 2, "dial_time": dial_time, "status": "active"}


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_number_that_nobody_has_is_new_and_costs_nothing(account: Account) -> None:
    assert account.numbers.phone_entry(OWN, bitrix24_id=1) == PhoneEntry(OWN)
    assert account.reads == 0


def test_a_shared_number_has_the_settings_that_its_holder_has_now(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    account.employees[7] = [held("7111"), held(SHARED, dial_time=40)]

    entry = account.numbers.phone_entry(SHARED, bitrix24_id=1)

    assert entry == PhoneEntry(SHARED, channels_count=2, dial_time=40)
    assert "with 2 of CallGear's employees, among them 7, 8" in caplog.text
    assert SHARED not in caplog.text


@pytest.mark.parametrize("stored", [f"+{SHARED}", "+7 (495) 555-00-00"])
def test_r11_a_number_that_its_holder_has_in_another_spelling_keeps_its_settings_and_is_sent_as_digits(
    account: Account, stored: str
) -> None:
    account.employees = {7: [held("7111"), held(stored)]}
    account.begin_run()
    account.employees[7] = [held("7111"), held(stored, dial_time=40)]

    assert account.numbers.phone_entry(SHARED, bitrix24_id=1) == PhoneEntry(SHARED, channels_count=2, dial_time=40)


def test_an_extension_makes_it_another_number(account: Account) -> None:
    account.employees = {7: [held(f"{SHARED}...204")]}
    account.begin_run()

    assert account.numbers.phone_entry(SHARED, bitrix24_id=1) == PhoneEntry(SHARED)


def test_a_number_of_many_is_looked_at_once_a_minute(account: Account) -> None:
    for seconds in (0, 1, 60, 61, 100):
        account.now = NOON + timedelta(seconds=seconds)
        account.employees[7] = [held(SHARED, dial_time=40 + seconds)]
        entry = account.numbers.phone_entry(SHARED, bitrix24_id=1)

    assert account.reads == 2
    assert entry.dial_time == 101


@pytest.mark.parametrize("phones", [None, [held("7111")]])
def test_when_the_holder_has_it_no_more_its_last_known_settings_hold(
    account: Account, phones: list[dict[str, Any]] | None
) -> None:
    account.employees |= {7: phones} if phones else {}
    if phones is None:
        del account.employees[7]

    assert account.numbers.phone_entry(SHARED, bitrix24_id=1) == PhoneEntry(SHARED, channels_count=2, dial_time=25)
