"""Founds the company: about 250 users, of whom a first import shows every rule that needs no earlier one."""

from datetime import datetime

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.bitrix24 import dates
from b24_pipeline.sandbox.company import edge_cases
from b24_pipeline.sandbox.company.account_seed import settle
from b24_pipeline.sandbox.company.generator import DAY, FOUNDED, person
from b24_pipeline.sandbox.portal import Portal, User

ORDINARY = 192
DEPARTMENTS = (
    "Продажи",
    "Sales abroad",
    "Поддержка",
    "Бухгалтерия",
    "Logistics",
    "工程",
    "الموارد البشرية",
    "Склад",
)
GAP = 7


def found(portal: Portal, account: Account) -> None:
    for name in DEPARTMENTS:
        portal.add_department(name)
    portal.hire(**edge_cases.ADMINISTRATOR)
    ordinary = [portal.hire(**person(number)) for number in range(ORDINARY)]
    portal.last_id += GAP
    for table in (
        edge_cases.MISSING_FIELDS,
        edge_cases.BAD_ADDRESSES,
        edge_cases.WITHOUT_DEPARTMENT,
        edge_cases.SPELLED_STRANGELY,
        edge_cases.STRANGE_PHONES,
        edge_cases.NO_CANDIDATES,
        edge_cases.SAME_MAILBOX,
    ):
        _hire_all(portal, table)
    for user_id in _hire_all(portal, edge_cases.DISMISSED):
        portal.dismiss(user_id)
    _hire_all(portal, edge_cases.REHIRED)
    _settle_dates(portal)
    settle(portal, account, ordinary)


def _hire_all(portal: Portal, table: tuple[User, ...]) -> list[int]:
    return [portal.hire(**fields) for fields in table]


def _settle_dates(portal: Portal) -> None:
    """Let everybody have been there for long, so that nobody looks new."""
    for user_id, user in portal.users.items():
        registered = datetime.fromisoformat(user["DATE_REGISTER"]).timestamp()
        moment = min(registered, FOUNDED + 2_500 * DAY)
        user["DATE_REGISTER"] = dates.iso(moment)
        portal.changed_at[user_id] = moment + user_id * 3_607 % DAY
