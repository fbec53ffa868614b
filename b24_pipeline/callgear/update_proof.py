"""Finding out with one employee, named by a person, whether an update leaves phones alone (R09a, contract 5.5)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from b24_pipeline.callgear.capabilities import AccountCapabilities, UnverifiedUpdate, UpdateMode
from b24_pipeline.callgear.client import CallGear, repeat_while_unknown
from b24_pipeline.callgear.employees import read_employee
from b24_pipeline.callgear.exceptions import RecordError, RequestError, UnknownOutcome, UpdatesHalted
from b24_pipeline.callgear.phones import lines_of
from b24_pipeline.callgear.rows import Row
from b24_pipeline.callgear.update import EmployeeUpdater
from b24_pipeline.callgear.update_recovery import (
    as_written,
    demands_phones,
    lost_fields,
    phones,
    preserved_fields_of,
    read_for_update,
    restore,
    update_employee,
)

BY_HAND = "employees with SIP numbers must be edited manually in CallGear"


class NothingToProve(Exception):  # noqa: N818 - it says what is the case
    """An update of this employee would prove nothing: nothing was sent. The text is one line."""


@dataclass(frozen=True, slots=True)
class UpdateProof:
    """Result of sending an employee its own last name.

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
        """Return whether updates of this account leave phones alone."""
        return self.mode is UpdateMode.MINIMAL

    def __str__(self) -> str:
        if self.safe:
            return (
                f"an update left the phone numbers of employee {self.callgear_id} alone; "
                "the next run updates everybody who waits for this"
            )
        if not (self.lost or self.lines_lost):
            return (
                f"this account rejects an update without phone numbers, so nothing was changed; updates repeat them "
                f"from now on, and {BY_HAND}"
            )
        taken = ", ".join(self.lost or ("SIP lines",))
        became = "restored" if self.restored else "it could not be restored: edit the employee manually in CallGear"
        lines = ", ".join(map(str, self.lines_lost))
        alone = f"; SIP lines {lines} no longer belong to it: assign them again in CallGear" if lines else ""
        return (
            f"an update removed {taken} of employee {self.callgear_id}; {became}{alone}; updates repeat all phone "
            f"numbers from now on, and {BY_HAND}"
        )


def prove_update(
    client: CallGear,
    callgear_id: int,
    *,
    capabilities: AccountCapabilities,
    save: Callable[[AccountCapabilities], None],
    now: Callable[[], datetime],
) -> UpdateProof:
    """Send the employee its own last name, read it again, and keep what that says of the account.

    What it had is kept before, so that the next run puts it back if this process dies.

    Raises:
        NothingToProve: there is no such employee, or it has nothing that could be lost.
        CallGearError: it is not known what the update did, or an earlier one did harm that stays.
    """
    writer = EmployeeUpdater(client, capabilities, save=save, now=now)
    writer.recover_interrupted_update()
    capabilities = replace(writer.capabilities, unverified=None)
    before = employee_with_phones(client, callgear_id)
    lines = lines_of(client, callgear_id)
    save(replace(capabilities, unverified=UnverifiedUpdate(preserved_fields_of(before), now())))
    try:
        repeat_while_unknown(client, lambda: update_employee(client, callgear_id, last_name=before["last_name"]))
        after = read_for_update(client, callgear_id)
    except RecordError as error:
        mode = UpdateMode.ECHO if demands_phones(error) else capabilities.update_mode
        save(replace(capabilities, update_mode=mode))
        if not demands_phones(error):
            raise
        return UpdateProof(callgear_id, mode)
    lost = lost_fields(before, after)
    if not lost and lines_of(client, callgear_id) >= lines:
        save(replace(capabilities, update_mode=UpdateMode.MINIMAL))
        return UpdateProof(callgear_id, UpdateMode.MINIMAL)
    after = restored_as_far_as_possible(client, before, after)
    save(replace(capabilities, update_mode=UpdateMode.ECHO))
    return UpdateProof(
        callgear_id,
        UpdateMode.ECHO,
        lost=tuple(lost),
        restored=not lost_fields(before, after),
        lines_lost=tuple(sorted(lines - lines_of(client, callgear_id))),
    )


def employee_with_phones(client: CallGear, callgear_id: int) -> Row:
    """The employee as it is now.

    Raises:
        NothingToProve: there is none, or it has no last name or no phone numbers.
    """
    employee = read_employee(client, callgear_id)
    if employee is None:
        raise NothingToProve(f"CallGear has no employee {callgear_id}")
    if not phones(employee) or not employee.get("last_name"):
        lacking = "last name" if phones(employee) else "phone numbers"
        raise NothingToProve(
            f"employee {callgear_id} has no {lacking}, so an update of it proves nothing; name another"
        )
    return employee


def restored_as_far_as_possible(client: CallGear, before: Row, after: Row) -> Row:
    """Restore the employee by every means, and return it as it is then.

    SIP numbers go back with their ids: only so may they stay SIP numbers (contract 5.3). They are gone already.
    """
    with suppress(UpdatesHalted):
        return restore(client, before, after, along={"phone_numbers"})
    after = read_for_update(client, before["id"])
    with suppress(RecordError, RequestError, UnknownOutcome):
        arrays = as_written(after, {"phone_numbers"}) | lost_fields(before, after)
        update_employee(client, before["id"], last_name=before["last_name"], **arrays)
    return read_for_update(client, before["id"])
