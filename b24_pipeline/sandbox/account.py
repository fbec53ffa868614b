"""The CallGear account: its employees, numbers, SIP lines, deal owners and points."""

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil

from b24_pipeline.sandbox.callgear.behavior import CallGearBehavior
from b24_pipeline.sandbox.types import Json

Employee = dict[str, Json]
Number = dict[str, Json]

FIRST_SIP_LINE = 52_001
PSTN_SETTINGS = {"channels_count": 1, "dial_time": 60, "status": "active"}


def blank_employee(employee_id: int) -> Employee:
    """An employee of whom nothing but the id is known."""
    return {
        "id": employee_id,
        "login": None,
        "first_name": None,
        "last_name": None,
        "patronymic": None,
        "email": None,
        "status": "available",
        "call_recording": "all",
        "schedule_id": None,
        "groups": [],
        "phone_numbers": [],
        "extension": {},
        "calls_available": True,
    }


class Points:
    """The two budgets of points (contract 3), `spent` ever; a fixed window starts at whole minutes and days."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self.spent = 0
        self._clock = clock
        self._times: dict[str, deque[float]] = {"day": deque(), "minute": deque()}

    def charge(self) -> None:
        self.spent += 1
        self.use_elsewhere(1)

    def use_elsewhere(self, points: int) -> None:
        """Book points as another integration of the account would."""
        now = self._clock()
        for times in self._times.values():
            times.extend([now] * points)

    def limits(self, behavior: CallGearBehavior) -> dict[str, int]:
        """The ``metadata.limits`` of an answer; ``*_reset`` are seconds."""
        now = self._clock()
        shown: dict[str, int] = {}
        for budget, seconds, most in (("day", 86_400, behavior.day_limit), ("minute", 60, behavior.minute_limit)):
            times = self._times[budget]
            begin = now - seconds if behavior.sliding_window else now // seconds * seconds
            while times and times[0] < begin:
                times.popleft()
            oldest = times[0] if times else now - seconds
            shown[f"{budget}_limit"] = most
            shown[f"{budget}_remaining"] = max(0, most - len(times))
            shown[f"{budget}_reset"] = ceil((oldest if behavior.sliding_window else begin) + seconds - now)
        return shown


class Account:
    """What the account holds, with the changes a person can make in the client area."""

    def __init__(self, *, clock: Callable[[], float], behavior: CallGearBehavior, changed: Callable[[], None]) -> None:
        self.behavior = behavior
        # by id, as ``get.employees`` shows them but for ``full_name`` and ``groups`` (plain ids here). A number in
        # ``phone_numbers`` is one object, shared by everybody who has it (contract 5.3)
        self.employees: dict[int, Employee] = {}
        self.numbers: dict[int, Number] = {}  # the account's numbers by ``phone_id``
        # the SIP lines by id; ``employee_id`` is None for a line without an employee
        self.sip_lines: dict[int, dict[str, Json]] = {}
        self.groups: dict[int, str] = {3301: "Sales", 3302: "Support"}  # name of each employee group
        self.responsible: dict[str, str] = {}  # the deal owners, ``ext_id`` to name
        self.owners_with_deals: set[str] = set()  # the ``ext_id`` of those who cannot be deleted
        self.deleted_owners: dict[str, str] = {}  # what was deleted, to reappear where the built-in sync is on
        self.points = Points(clock=clock)
        self.sessions: dict[str, float] = {}  # expiry of each session, by its token
        self.last_employee = 704_000
        self.last_number = 918_000
        self.record = changed  # called after each change
        self._by_digits: dict[str, Number] = {}

    def add_employee(self, *, phone_numbers: Sequence[str | Number] = (), **fields: Json) -> int:
        """Add an employee as a person would in the client area and return the id.

        Raises:
            ValueError: a field that no employee has.
        """
        employee = blank_employee(self.last_employee + 1)
        unknown = [name for name in fields if name not in employee]
        if unknown:
            raise ValueError(f"no employee has the field {unknown[0]}")
        self.last_employee += 1
        employee.update(fields)
        employee["phone_numbers"] = [self.number(phone) for phone in phone_numbers]
        self.employees[self.last_employee] = employee
        self.record()
        return self.last_employee

    def edit_employee(self, employee_id: int, **fields: Json) -> None:
        """Change fields of an employee as a person would; numbers may be given as plain text."""
        if "phone_numbers" in fields:
            fields["phone_numbers"] = [self.number(phone) for phone in fields["phone_numbers"]]
        self.employees[employee_id].update(fields)
        self.record()

    def remove_employee(self, employee_id: int) -> None:
        """Delete an employee as a person would in the client area; no API call does it here."""
        del self.employees[employee_id]
        for line in self.sip_lines.values():
            if line["employee_id"] == employee_id:
                line["employee_id"] = None
        self.record()

    def number(self, phone: str | Number) -> Number:
        """The account's number for these digits, made when there is none; settings given are applied to it."""
        wanted = {"phone_number": phone} if isinstance(phone, str) else dict(phone)
        known = self._by_digits.get(wanted["phone_number"])
        if known is None:
            known = self.new_number(wanted["phone_number"])
        known.update(wanted)
        return known

    def new_number(self, digits: str) -> Number:
        """A new number object, known by its digits from now on."""
        self.last_number += 1
        number = {"phone_id": self.last_number, "phone_number": digits, **PSTN_SETTINGS}
        self.numbers[self.last_number] = number
        self._by_digits[digits] = number
        return number

    def number_of(self, digits: str) -> Number | None:
        return self._by_digits.get(digits)

    def renumber(self, number: Number, digits: str) -> None:
        """Give a number object other digits, for everybody who has it."""
        if self._by_digits.get(number["phone_number"]) is number:
            del self._by_digits[number["phone_number"]]
        number["phone_number"] = digits
        self._by_digits[digits] = number

    def add_sip_line(self, employee_id: int, digits: str) -> int:
        """Give an employee a SIP line, first in the dialing order, and return the line's id."""
        line_id = FIRST_SIP_LINE + len(self.sip_lines)
        number = self.number({"phone_number": digits, "channels_count": 2, "dial_time": 30})
        self.employees[employee_id]["phone_numbers"].insert(0, number)
        self.sip_lines[line_id] = {
            "id": line_id,
            "phone_number": digits,
            "employee_id": employee_id,
            "phone_id": number["phone_id"],
            "status": "active",
            "dial_time": 30,
            "channels_count": 2,
        }
        self.record()
        return line_id

    def index_numbers(self) -> None:
        """Find numbers by their digits again after they were loaded."""
        self._by_digits = {number["phone_number"]: number for number in self.numbers.values()}
