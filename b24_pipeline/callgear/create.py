"""Creating employees, so that no person ever becomes two (R10, R18; T2, T3)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.employees import find_by_email, find_by_exact_email, read_employee
from b24_pipeline.callgear.exceptions import CallGearError, EmailConflict, RecordError, RecordFault, UnknownOutcome
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.rows import is_id
from b24_pipeline.rules.normalization import normalize_name

MAX_CREATES = 3


@dataclass(frozen=True, slots=True)
class NewEmployee:
    """An employee to create: last name with the prefix (R06), phones in dialing order (R05)."""

    last_name: str = field(repr=False)
    email: str = field(repr=False)
    first_name: str | None = field(default=None, repr=False)
    patronymic: str | None = field(default=None, repr=False)
    phone_numbers: tuple[PhoneEntry, ...] = field(default=(), repr=False)

    def params(self) -> dict[str, Any]:
        """The parameters of `create.employees`; what is empty is left out."""
        return {name: value for name, value in asdict(self).items() if value}


def create_employee(client: CallGear, new: NewEmployee) -> int:
    """Create the employee and return its id.

    Raises:
        UnknownOutcome: it may have been created; look it up before anything else (`create_or_adopt` does).
    """
    created = client.call("create.employees", new.params()).fields().get("id")
    if not is_id(created):
        raise UnknownOutcome("create.employees: no id in the response")
    return created


def create_or_adopt(client: CallGear, new: NewEmployee, *, verify: Callable[[int], None] = lambda _: None) -> int:
    """Create the employee and return its id; of an unknown outcome, look it up by e-mail before it is repeated.

    CallGear may be at work on a request long after it was given up: the look-up that decides about a repeat waits so
    long, and a repeat that succeeded only counts if the person is there once.

    `verify` is called with the id that a create answered with, not with one that was looked up; it raises where that
    cannot be a new employee's.

    Raises:
        EmailConflict: the e-mail meanwhile belongs to somebody else, or to several employees.
        CallGearError: with `outcome_unknown` true whenever the employee may exist all the same.
    """
    attempt, in_doubt = 0, False
    try:
        while True:
            attempt += 1
            try:
                created = create_employee(client, new)
            except UnknownOutcome as error:
                in_doubt = True
                adopted = _look_up(client, new, attempt, error=error)
                if adopted is None and attempt >= MAX_CREATES:
                    raise
            except RecordError as error:
                email_in_use = error.fault is RecordFault.ALREADY_IN_USE and error.field == "email"
                exists = email_in_use or error.fault is RecordFault.DUPLICATE_ENTITY
                adopted = _adopt(client, new, find_by_email(client, new.email)) if exists else None
                if adopted is None:
                    raise
            else:
                verify(created)
                if in_doubt:
                    _verify_not_duplicated(client, new, created)
                return created
            if adopted is not None:
                return adopted
    except CallGearError as error:
        error.outcome_unknown |= in_doubt and not isinstance(error, EmailConflict)
        raise


def _look_up(client: CallGear, new: NewEmployee, attempt: int, *, error: UnknownOutcome) -> int | None:
    """Find the employee that an unknown outcome may have created."""
    if attempt == 1:
        client.pause(attempt, error=error)
        adopted = _adopt(client, new, find_by_exact_email(client, new.email))
        if adopted is not None:
            return adopted
    client.wait_for_in_flight_requests()
    return _adopt(client, new, find_by_email(client, new.email))


def _verify_not_duplicated(client: CallGear, new: NewEmployee, created: int) -> None:
    """Make sure that no earlier request has created the employee that a retry created, too."""
    found = find_by_email(client, new.email)
    if not found:
        raise UnknownOutcome(f"create.employees: employee {created} is not found by its e-mail")
    if found != [created]:
        raise EmailConflict(found)


def _adopt(client: CallGear, new: NewEmployee, found: list[int]) -> int | None:
    if not found:
        return None
    employee = read_employee(client, found[0]) if len(found) == 1 else None
    if employee is None or normalize_name(employee.get("last_name") or "") != normalize_name(new.last_name):
        raise EmailConflict(found)
    return found[0]
