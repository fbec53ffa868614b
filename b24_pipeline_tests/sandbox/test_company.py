from collections import Counter
from typing import Any

from b24_pipeline.sandbox import Sandbox
from b24_pipeline_tests.clock import Clock


def mailbox(fields: dict[str, Any]) -> str:
    return (fields.get("EMAIL") or "").strip().casefold()


def mailboxes_in_callgear(sandbox: Sandbox) -> Counter[str]:
    return Counter((employee["email"] or "").casefold() for employee in sandbox.account.employees.values())


def test_the_company_is_the_same_every_time(clock: Clock) -> None:
    first, second = Sandbox.company(clock=clock), Sandbox.company(clock=clock)

    assert first.portal.users == second.portal.users
    assert first.account.employees == second.account.employees
    assert first.account.responsible == second.account.responsible


def test_the_company_is_large_and_mixed(clock: Clock) -> None:
    sandbox = Sandbox.company(clock=clock)
    users = sandbox.portal.users.values()
    kinds = Counter(user["USER_TYPE"] for user in users)
    shared = Counter(mailbox(user) for user in users if mailbox(user) and user["ACTIVE"])
    names = " ".join(str(user.get("LAST_NAME")) for user in users)

    assert 230 <= len(users) <= 270
    assert kinds["extranet"] >= 3
    assert {"bot", "email", "integrator"} <= set(kinds)
    assert sum(not user["ACTIVE"] for user in users) >= 5
    assert sum(not mailbox(user) for user in users) >= 4
    assert sum(not (user.get("LAST_NAME") or "").strip() for user in users) >= 4
    assert shared["office@corp.example"] == 3
    assert any(str(user.get("LAST_NAME")).startswith("(bitrix24)") for user in users)
    assert all(any(first <= letter <= last for letter in names) for first, last in ("az", "ая", "ءي", "一龥", "αω"))
    assert any("доб." in str(user.get("WORK_PHONE")) for user in users)


def test_every_address_of_the_company_is_at_a_reserved_domain(clock: Clock) -> None:
    sandbox = Sandbox.company(clock=clock)
    addresses = [
        *(mailbox(user) for user in sandbox.portal.users.values()),
        *mailboxes_in_callgear(sandbox),
    ]

    for address in addresses:
        domain = address.rpartition("@")[2]
        assert not domain or "@" not in address or domain.endswith((".example", ".test")), address


def test_some_of_the_company_are_in_callgear_already(clock: Clock) -> None:
    sandbox = Sandbox.company(clock=clock)
    known, employees = mailboxes_in_callgear(sandbox), sandbox.account.employees.values()
    ours = {mailbox(user) for user in sandbox.portal.users.values()}

    assert sum(known[address] == 1 for address in ours if address) >= 40
    assert sum(known[address] == 2 for address in ours if address) == 3, "ambiguous"
    assert len(sandbox.account.sip_lines) == 4
    assert any(not employee["phone_numbers"] for employee in employees)
    assert any(str(employee["last_name"]).startswith("(bitrix24) ") for employee in employees)
    assert any(address and address not in ours for address in known), "strangers"
    holders = Counter(number["phone_id"] for employee in employees for number in employee["phone_numbers"])
    assert max(holders.values()) >= 2, "shared numbers"


def test_the_responsible_list_holds_users_leavers_and_strangers(clock: Clock) -> None:
    sandbox = Sandbox.company(clock=clock)
    responsible = sandbox.account.responsible

    assert "crm-9001" in responsible
    assert any(not sandbox.portal.users[int(ext_id)]["ACTIVE"] for ext_id in responsible if len(ext_id) < 5)
    assert sandbox.account.owners_with_deals <= set(responsible)


def test_nobody_of_the_company_looks_new(clock: Clock) -> None:
    sandbox = Sandbox.company(clock=clock)

    assert max(sandbox.portal.changed_at.values()) < clock.seconds


def test_a_crowd_has_an_address_of_its_own_for_everybody(clock: Clock) -> None:
    sandbox = Sandbox.crowd(3_000, clock=clock)

    assert len({mailbox(user) for user in sandbox.portal.users.values()}) == 3_000
    assert sum(not user["ACTIVE"] for user in sandbox.portal.users.values()) == 30
