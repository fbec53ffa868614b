"""What happens to the company after a first import, so that a second one shows the remaining rules."""

from threading import RLock
from typing import Protocol

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.portal import Portal, User


class Systems(Protocol):
    """A sandbox, as far as a company needs it."""

    portal: Portal
    account: Account
    lock: RLock


NEWCOMERS: tuple[User, ...] = (
    {"NAME": "Юна", "LAST_NAME": "Новенькая", "EMAIL": "yuna@corp.example", "WORK_PHONE": "+7 900 555-02-01"},
    {"NAME": "Arthur", "LAST_NAME": "Fresh", "EMAIL": "arthur.fresh@corp.example"},
    {"NAME": "No", "LAST_NAME": "Mailbox"},
)


def later(sandbox: Systems) -> None:
    """Apply a few weeks' changes to a company that has been imported once.

    - three newcomers, one of them to be rejected (R02, R10);
    - a deal owner dismissed, one with deals dismissed, a user deleted (R13, R14);
    - a rehire under a new id with the old mailbox (R09), a mailbox passed to another person (R09, ``email_reused``);
    - an address left and given to a newcomer while its owner stays (R09, ``already_linked``);
    - a rename and a new phone of linked people: no write (R07);
    - an employee removed from CallGear by hand (R08), one who got their missing last name (R02);
    - a dismissed user who was never imported comes back.
    """
    with sandbox.lock:
        for fields in NEWCOMERS:
            sandbox.portal.hire(**fields)
        _leavers(sandbox)
        _mailboxes(sandbox)
        _edits(sandbox)


def user_with(sandbox: Systems, email: str) -> int:
    """The id of the last user with an e-mail address.

    Raises:
        KeyError: nobody has it.
    """
    found = [user_id for user_id, user in sandbox.portal.users.items() if user.get("EMAIL") == email]
    if not found:
        raise KeyError(email)
    return found[-1]


def _ordinary(number: int) -> int:
    """The id of ordinary person ``number``: the administrator is 1."""
    return number + 2


def _leavers(sandbox: Systems) -> None:
    portal, account = sandbox.portal, sandbox.account
    with_deals, without_deals = _ordinary(0), _ordinary(2)
    account.owners_with_deals.add(str(with_deals))
    account.owners_with_deals.discard(str(without_deals))
    portal.dismiss(with_deals)
    portal.dismiss(without_deals)
    portal.delete(_ordinary(101))


def _mailboxes(sandbox: Systems) -> None:
    portal = sandbox.portal
    for number, name in ((110, None), (111, "Another")):
        leaver = portal.users[_ordinary(number)]
        portal.dismiss(_ordinary(number))
        portal.hire(NAME=name or leaver["NAME"], LAST_NAME=name or leaver["LAST_NAME"], EMAIL=leaver["EMAIL"])
    stays = portal.users[_ordinary(112)]
    left = stays["EMAIL"]
    portal.edit(_ordinary(112), EMAIL="moved.on@corp.example")
    portal.hire(NAME="Heir", LAST_NAME="Ofaddress", EMAIL=left)


def _edits(sandbox: Systems) -> None:
    portal, account = sandbox.portal, sandbox.account
    portal.edit(_ordinary(120), LAST_NAME="Newlywed")
    portal.edit(_ordinary(121), WORK_PHONE="+1 555 0202")
    portal.edit(user_with(sandbox, "karina@corp.example"), LAST_NAME="Наконецева")
    portal.reinstate(user_with(sandbox, "carl.gone@corp.example"))
    removed = portal.users[_ordinary(122)]["EMAIL"].casefold()
    for employee_id, employee in list(account.employees.items()):
        if (employee["email"] or "").casefold() == removed:
            account.remove_employee(employee_id)
