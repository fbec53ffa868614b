"""Finding out with one employee, named by a person, whether an update leaves phones alone (R09a, contract 5.5)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from b24_pipeline.callgear.capabilities import AccountFacts, Unchecked, UpdateMode
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import OursError, RecordError, UnknownOutcome, UpdatesUnsafe
from b24_pipeline.callgear.preserved_fields import as_written, phones, put_back, what_must_stay
from b24_pipeline.callgear.reading import read_employee
from b24_pipeline.callgear.restoring import restore
from b24_pipeline.callgear.rows import Row
from b24_pipeline.callgear.sip_lines import lines_of
from b24_pipeline.callgear.update import EmployeeWriter
from b24_pipeline.callgear.updating import MOST_ATTEMPTS, demands_phones, read_for_update, update_employee

BY_HAND = "employees with SIP numbers have to be changed by hand in CallGear"


class NothingProven(Exception):  # noqa: N818 - it says what is the case
    """An update of this employee would prove nothing: nothing was sent. The text is one line."""


@dataclass(frozen=True, slots=True)
class UpdateProof:
    """What became of an employee that was sent its own last name.

    Attributes:
        callgear_id: the employee.
        mode: what is known of the account now.
        lost: what the update took away; empty where it was refused or did no harm.
        restored: whether all of that is back.
        lines_lost: SIP lines that do not belong to the employee any more.
    """

    callgear_id: int
    mode: UpdateMode
    lost: tuple[str, ...] = ()
    restored: bool = True
    lines_lost: tuple[int, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether updates of this account leave phones alone."""
        return self.mode is UpdateMode.MINIMAL

    def __str__(self) -> str:
        """The result as one line."""
        if self.safe:
            return (
                f"an update left the phone numbers of employee {self.callgear_id} alone; "
                "the next run updates everybody who waits for this"
            )
        if not (self.lost or self.lines_lost):
            return (
                f"this account refuses an update without phone numbers, so nothing was changed; updates repeat them "
                f"from now on, and {BY_HAND}"
            )
        taken = ", ".join(self.lost or ("SIP lines",))
        became = "it was put back" if self.restored else "it could not be put back: do it by hand in CallGear"
        lines = ", ".join(map(str, self.lines_lost))
        alone = f"; SIP lines {lines} do not belong to it any more: assign them again in CallGear" if lines else ""
        return (
            f"an update took {taken} away from employee {self.callgear_id}; {became}{alone}; updates repeat all phone "
            f"numbers from now on, and {BY_HAND}"
        )


def prove_update(
    client: CallGear,
    callgear_id: int,
    *,
    facts: AccountFacts,
    keep: Callable[[AccountFacts], None],
    now: Callable[[], datetime],
) -> UpdateProof:
    """Send the employee its own last name, read it again, and keep what that says of the account.

    What it had is kept before, so that the next run puts it back if this process dies.

    Raises:
        NothingProven: there is no such employee, or it has nothing that could be lost.
        CallGearError: it is not known what the update did, or an earlier one did harm that stays.
    """
    writer = EmployeeWriter(client, facts, keep=keep, now=now)
    writer.check_former()
    facts = replace(writer.facts, unchecked=None)
    before = employee_with_phones(client, callgear_id)
    lines = lines_of(client, callgear_id)
    keep(replace(facts, unchecked=Unchecked(what_must_stay(before), now())))
    try:
        after = updated(client, before)
    except RecordError as error:
        mode = UpdateMode.ECHO if demands_phones(error) else facts.update_mode
        keep(replace(facts, update_mode=mode))
        if not demands_phones(error):
            raise
        return UpdateProof(callgear_id, mode)
    lost = put_back(before, after)
    if not lost and lines_of(client, callgear_id) >= lines:
        keep(replace(facts, update_mode=UpdateMode.MINIMAL))
        return UpdateProof(callgear_id, UpdateMode.MINIMAL)
    after = brought_back(client, before, after)
    keep(replace(facts, update_mode=UpdateMode.ECHO))
    return UpdateProof(
        callgear_id,
        UpdateMode.ECHO,
        lost=tuple(lost),
        restored=not put_back(before, after),
        lines_lost=tuple(sorted(lines - lines_of(client, callgear_id))),
    )


def employee_with_phones(client: CallGear, callgear_id: int) -> Row:
    """The employee as it is now.

    Raises:
        NothingProven: there is none, or it has no last name or no phone numbers.
    """
    employee = read_employee(client, callgear_id)
    if employee is None:
        raise NothingProven(f"CallGear has no employee {callgear_id}")
    if not phones(employee) or not employee.get("last_name"):
        lacking = "last name" if phones(employee) else "phone numbers"
        raise NothingProven(f"employee {callgear_id} has no {lacking}, so an update of it proves nothing; name another")
    return employee


def updated(client: CallGear, before: Row) -> Row:
    """The employee once it was sent its own last name for certain."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            update_employee(client, before["id"], last_name=before["last_name"])
            break
        except UnknownOutcome as error:
            if attempt == MOST_ATTEMPTS:
                raise
            client.pause(attempt, error=error)
    return read_for_update(client, before["id"])


def brought_back(client: CallGear, before: Row, after: Row) -> Row:
    """The employee once everything was tried to give it back what it had.

    SIP numbers go back with their ids: only so may they stay SIP numbers (contract 5.3). They are gone already.
    """
    with suppress(UpdatesUnsafe):
        return restore(client, before, after, along={"phone_numbers"})
    after = read_for_update(client, before["id"])
    with suppress(RecordError, OursError, UnknownOutcome):
        arrays = as_written(after, {"phone_numbers"}) | put_back(before, after)
        update_employee(client, before["id"], last_name=before["last_name"], **arrays)
    return read_for_update(client, before["id"])
