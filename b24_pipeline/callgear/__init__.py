"""A thin client of the CallGear Data API v2.0: reading, writing as contract 5.5 advises, and the responsible list.

`employees.fetch_employees`, which needs pandas, is imported from its own module; everything here is light.
"""

from b24_pipeline.callgear.auth import AccessToken, Login
from b24_pipeline.callgear.capabilities import AccountCapabilities, UnverifiedUpdate, UpdateMode
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.create import CreateResult, NewEmployee, create_employee, create_or_adopt
from b24_pipeline.callgear.exceptions import (
    AccountError,
    AccountFault,
    CallGearError,
    DayLimit,
    DeadlinePassed,
    EmailConflict,
    IncompleteReadError,
    MethodError,
    MinuteLimit,
    NotSent,
    RecordError,
    RecordFault,
    RequestError,
    RetryableError,
    SipNumberError,
    StaleLossError,
    TransportError,
    UnknownOutcome,
    UpdatesHalted,
)
from b24_pipeline.callgear.health_check import check_callgear
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
from b24_pipeline.callgear.update import EmployeeUpdater, UpdateResult

__all__ = [
    "AccessToken",
    "AccountCapabilities",
    "AccountError",
    "AccountFault",
    "CallGear",
    "CallGearError",
    "CreateResult",
    "DayLimit",
    "DeadlinePassed",
    "EmailConflict",
    "EmployeeUpdater",
    "IncompleteReadError",
    "Limits",
    "Login",
    "Metadata",
    "MethodError",
    "MinuteLimit",
    "NewEmployee",
    "NotSent",
    "PhoneEntry",
    "PointsBudget",
    "RecordError",
    "RecordFault",
    "RequestError",
    "Result",
    "RetryableError",
    "SipNumberError",
    "StaleLossError",
    "TransportError",
    "UnknownOutcome",
    "UnverifiedUpdate",
    "UpdateMode",
    "UpdateResult",
    "UpdatesHalted",
    "add_responsible",
    "check_callgear",
    "create_employee",
    "create_or_adopt",
    "fetch_responsible",
    "find_by_email",
    "read_employee",
    "remove_responsible",
    "rename_responsible",
]
