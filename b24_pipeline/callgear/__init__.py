"""A thin client of the CallGear Data API v2.0: reading, writing as contract 5.5 advises, and the responsible list.

`employees.fetch_employees`, which needs pandas, is imported from its own module; everything here is light.
"""

from b24_pipeline.callgear.answers import Metadata, Result
from b24_pipeline.callgear.budget import PointsBudget
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.creating import CreateResult, NewEmployee, create_employee, create_with_lookup
from b24_pipeline.callgear.errors import (
    AccountError,
    AccountFault,
    CallGearError,
    DayLimit,
    DeadlinePassed,
    EmailConflict,
    MethodError,
    MinuteLimit,
    NotSent,
    OldLoss,
    OursError,
    ReadNotTrusted,
    RecordError,
    RecordFault,
    RetryableError,
    SipNumbersInTheWay,
    TransportFault,
    UnknownOutcome,
    UpdatesUnsafe,
)
from b24_pipeline.callgear.facts import AccountFacts, Unchecked, UpdateMode
from b24_pipeline.callgear.limits import Limits
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.preflight import Check, preflight
from b24_pipeline.callgear.reading import find_by_email, read_employee
from b24_pipeline.callgear.responsible_list import (
    add_responsible,
    fetch_responsible,
    remove_responsible,
    rename_responsible,
)
from b24_pipeline.callgear.session import AccessToken, Login
from b24_pipeline.callgear.writing import EmployeeWriter, UpdateResult

__all__ = [
    "AccessToken",
    "AccountError",
    "AccountFacts",
    "AccountFault",
    "CallGear",
    "CallGearError",
    "Check",
    "CreateResult",
    "DayLimit",
    "DeadlinePassed",
    "EmailConflict",
    "EmployeeWriter",
    "Limits",
    "Login",
    "Metadata",
    "MethodError",
    "MinuteLimit",
    "NewEmployee",
    "NotSent",
    "OldLoss",
    "OursError",
    "PhoneEntry",
    "PointsBudget",
    "ReadNotTrusted",
    "RecordError",
    "RecordFault",
    "Result",
    "RetryableError",
    "SipNumbersInTheWay",
    "TransportFault",
    "Unchecked",
    "UnknownOutcome",
    "UpdateMode",
    "UpdateResult",
    "UpdatesUnsafe",
    "add_responsible",
    "create_employee",
    "create_with_lookup",
    "fetch_responsible",
    "find_by_email",
    "preflight",
    "read_employee",
    "remove_responsible",
    "rename_responsible",
]
