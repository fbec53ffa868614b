"""The scenarios of the matrix: small companies, in whose import every call occurs three times where it can."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.rules.models import ResponsibleListPolicy
from b24_pipeline.sandbox import Bitrix24Behavior, CallGearBehavior, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import DismissedUsers
from b24_pipeline.sandbox.callgear.api import LOGIN, PASSWORD
from b24_pipeline.sandbox.callgear.behavior import PhonesOmitted

PLENTY = {"minute_limit": 100_000, "day_limit": 1_000_000}
PREFIX = "(bitrix24) "
BYSTANDER = "Bystander"
"""An employee, and a person on the responsible list, that have nothing to do with the portal."""


@dataclass(frozen=True)
class Scenario:
    """A portal and an account before the run that meets the fault.

    Attributes:
        name: for people.
        build: what there is at first.
        change: what happens after a first, clean run; without it the run that meets the fault is the first import.
        calls: how often each method is called in that run when nothing fails.
        settings: other settings than the default ones.
        bitrix24: switches of the portal.
        callgear: switches of the account.
    """

    name: str
    build: Callable[[Sandbox], None]
    calls: Mapping[str, int]
    change: Callable[[Sandbox], None] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    bitrix24: Bitrix24Behavior = field(default_factory=lambda: Bitrix24Behavior(tariff=None))
    callgear: CallGearBehavior = field(default_factory=lambda: CallGearBehavior(**PLENTY))


def hire(sandbox: Sandbox, name: str) -> int:
    """A user with an e-mail address and two phone numbers of their own."""
    number = f"{sandbox.portal.last_id + 1:04}"
    return sandbox.portal.hire(
        NAME="Ira",
        LAST_NAME=name,
        SECOND_NAME="Pavlovna",
        EMAIL=f"{name}@x.test",
        WORK_PHONE=f"+7 (495) 555-{number[:2]}-{number[2:]}",
        PERSONAL_MOBILE=f"8 900 555 {number}",
    )


def employ(sandbox: Sandbox, name: str, *phones: str, prefix: str = "") -> int:
    """An employee with the e-mail address of the user of that name, in a group, with an extension of their own."""
    account = sandbox.account
    extension = {
        "extension_phone_number": str(100 + len(account.employees)),
        "extension_voice_mail_enabled": False,
        "extension_queue_enabled": True,
    }
    return account.add_employee(
        first_name="I.",
        last_name=prefix + name,
        email=f"{name.upper()}@X.test",
        phone_numbers=[{"phone_number": phone, "dial_time": 25, "channels_count": 2} for phone in phones],
        groups=[3301],
        extension=extension,
    )


def with_bystanders(sandbox: Sandbox) -> None:
    """People of the account who are not in the portal."""
    employ(sandbox, BYSTANDER, "74955550000")
    sandbox.account.responsible["900"] = BYSTANDER


def newcomers(sandbox: Sandbox) -> None:
    """Three to create, two to rename, one to rename and give phones, one who is right already."""
    for name in ("Adams", "Baker", "Clark"):
        hire(sandbox, name)
    for number, name in enumerate(("Davis", "Evans"), start=1):
        hire(sandbox, name)
        employ(sandbox, name, f"7495777000{number}", f"7495777100{number}")
    hire(sandbox, "Frank")
    employ(sandbox, "Frank")
    hire(sandbox, "Jones")
    employ(sandbox, "Jones", "74957770009", prefix=PREFIX)
    with_bystanders(sandbox)


def staff(sandbox: Sandbox) -> None:
    """Six people, all on the responsible list."""
    for name in ("Adams", "Baker", "Clark", "Davis", "Evans", "Frank"):
        user = hire(sandbox, name)
        sandbox.account.responsible[str(user)] = f"{name} Ira Pavlovna"
    with_bystanders(sandbox)


def three_leave(sandbox: Sandbox) -> None:
    """Two listed people are dismissed, a third is deleted, and one is dismissed who is not listed."""
    sandbox.account.responsible.pop("6")
    for user in (1, 2, 6):
        sandbox.portal.dismiss(user)
    sandbox.portal.delete(3)


def three_marry_three_vanish(sandbox: Sandbox) -> None:
    """Three people get another last name; three others vanish from the responsible list."""
    for user in (1, 2, 3):
        sandbox.portal.edit(user, LAST_NAME=f"Newname{user}")
    for user in ("4", "5", "6"):
        sandbox.account.responsible.pop(user)


def with_phones(sandbox: Sandbox) -> None:
    """Three employees with phones, all to be renamed, and one to create."""
    for number, name in enumerate(("Adams", "Baker", "Clark"), start=1):
        hire(sandbox, name)
        employ(sandbox, name, f"7495777000{number}", f"7495777100{number}")
    hire(sandbox, "Davis")
    with_bystanders(sandbox)


def few(sandbox: Sandbox) -> None:
    """One to create, one to rename."""
    hire(sandbox, "Adams")
    hire(sandbox, "Baker")
    employ(sandbox, "Baker", "74957770001")


def forty(sandbox: Sandbox) -> None:
    """Forty people: some to create, some to rename, some to give phones, the others are right already."""
    for number in range(10):
        hire(sandbox, f"New{number:02}")
    for number in range(4):
        hire(sandbox, f"Known{number}")
        employ(sandbox, f"Known{number}", f"7495777000{number}", f"7495777100{number}")
    for number in range(3):
        hire(sandbox, f"Silent{number}")
        employ(sandbox, f"Silent{number}")
    for number in range(25):
        hire(sandbox, f"Right{number}")
        employ(sandbox, f"Right{number}", f"749577720{number:02}", prefix=PREFIX)
    with_bystanders(sandbox)


FIRST = Scenario(
    "first import",
    newcomers,
    calls={"get.account": 1, "batch": 1, "get.employees": 5, "create.employees": 3, "update.employees": 3},
)
LEAVERS = Scenario(
    "leavers",
    staff,
    change=three_leave,
    calls={"get.account": 1, "batch": 2, "get.employees": 1, "get.deal_employees": 1, "delete.deal_employees": 3},
)
MIRROR = Scenario(
    "mirrored list",
    staff,
    change=three_marry_three_vanish,
    settings={"responsible_list": ResponsibleListPolicy.MIRROR},
    calls={
        "get.account": 1,
        "batch": 1,
        "get.employees": 1,
        "get.deal_employees": 1,
        "create.deal_employees": 3,
        "update.deal_employees": 3,
    },
)
ECHO = Scenario(
    "account that demands phones",
    with_phones,
    callgear=CallGearBehavior(**PLENTY, phones_omitted=PhonesOmitted.REQUIRED),
    calls={
        "get.account": 1,
        "batch": 1,
        "get.employees": 10,
        "get.sip_lines": 3,
        "update.employees": 4,
        "create.employees": 1,
    },
)
CLEARING = Scenario(
    "account that clears phones",
    with_phones,
    callgear=CallGearBehavior(**PLENTY, phones_omitted=PhonesOmitted.CLEARING),
    calls={
        "get.account": 1,
        "batch": 1,
        "get.employees": 10,
        "get.sip_lines": 2,
        "update.employees": 4,
        "create.employees": 1,
    },
)
LOGIN_SCENARIO = Scenario(
    "login and password",
    few,
    settings={"callgear_access_token": None, "callgear_login": LOGIN, "callgear_password": PASSWORD},
    calls={
        "get.account": 1,
        "batch": 1,
        "login.user": 1,
        "get.employees": 5,
        "update.employees": 1,
        "create.employees": 1,
    },
)
HIDING = Scenario(
    "portal that hides the dismissed",
    staff,
    change=three_leave,
    bitrix24=Bitrix24Behavior(tariff=None, dismissed=DismissedUsers.HIDDEN_BY_DEFAULT),
    calls={"get.account": 1, "batch": 3, "get.employees": 1, "get.deal_employees": 1, "delete.deal_employees": 3},
)
COUNTING_ALONE = Scenario(
    "portal whose batches lack the counts",
    staff,
    change=three_leave,
    bitrix24=Bitrix24Behavior(tariff=None, batch_totals=False),
    calls={
        "get.account": 1,
        "batch": 2,
        "user.get": 3,
        "get.employees": 1,
        "get.deal_employees": 1,
        "delete.deal_employees": 3,
    },
)
FORTY = Scenario(
    "forty people",
    forty,
    calls={"get.account": 1, "batch": 1, "get.employees": 7, "create.employees": 10, "update.employees": 7},
)
SCENARIOS = (FIRST, LEAVERS, MIRROR, ECHO, CLEARING, LOGIN_SCENARIO, HIDING, COUNTING_ALONE, FORTY)
