"""A thin client of the CallGear Data API v2.0: reading, writing as contract 5.5 advises, and the responsible list.

`employees.fetch_employees`, which needs pandas, is imported from its own module; everything here is light.
"""

from b24_pipeline.callgear.auth import AccessToken, Login
from b24_pipeline.callgear.capabilities import AccountFacts, Unchecked, UpdateMode
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.create import CreateResult, NewEmployee, create_employee, create_with_lookup
from b24_pipeline.callgear.exceptions import (
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
from b24_pipeline.callgear.health_check import Check, check_callgear
from b24_pipeline.callgear.limits import Limits
from b24_pipeline.callgear.phones import PhoneEntry
from b24_pipeline.callgear.rate_limit import PointsBudget
from b24_pipeline.callgear.reading import find_by_email, read_employee
from b24_pipeline.callgear.responses import Metadata, Result
from b24_pipeline.callgear.responsible_list import (
    add_responsible,
    fetch_responsible,
    remove_responsible,
    rename_responsible,
)
from b24_pipeline.callgear.update import EmployeeWriter, UpdateResult

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
    "check_callgear",
    "create_employee",
    "create_with_lookup",
    "fetch_responsible",
    "find_by_email",
    "read_employee",
    "remove_responsible",
    "rename_responsible",
]
