"""Founds the company: about 250 users, of whom a first import shows every rule that needs no earlier one."""

from datetime import datetime

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.bitrix24.fields import iso
from b24_pipeline.sandbox.company import edge_cases
from b24_pipeline.sandbox.company.generator import DAY, FOUNDED, digits, person
from b24_pipeline.sandbox.portal import Portal

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


def populate(portal: Portal, account: Account) -> None:
    for name in DEPARTMENTS:
        portal.add_department(name)
    portal.hire(**edge_cases.ADMINISTRATOR)
    ordinary = [portal.hire(**person(number)) for number in range(192)]
    portal.last_id += 7  # a gap in the ids
    for fields in edge_cases.WORKING:
        portal.hire(**fields)
    for fields in edge_cases.DISMISSED:
        portal.dismiss(portal.hire(**fields))
    for fields in edge_cases.REHIRED:
        portal.hire(**fields)
    for user_id, user in portal.users.items():  # everybody has been there for long, so that nobody looks new
        registered = datetime.fromisoformat(user["DATE_REGISTER"]).timestamp()
        moment = min(registered, FOUNDED + 2_500 * DAY)
        user["DATE_REGISTER"] = iso(moment)
        portal.changed_at[user_id] = moment + user_id * 3_607 % DAY
    _fill_account(portal, account, ordinary)


def _fill_account(portal: Portal, account: Account, ordinary: list[int]) -> None:
    """Fill the empty account; `ordinary` are ids of the portal's ordinary people, in the order they were made."""

    def known(number: int, *, has_phone: bool = True, prefix: str = "") -> int:
        """The user as somebody once typed it into CallGear; every third address in capitals."""
        user_id = ordinary[number]
        user = portal.users[user_id]
        email = user["EMAIL"]
        return account.add_employee(
            first_name=user["NAME"],
            last_name=prefix + user["LAST_NAME"],
            patronymic=user.get("SECOND_NAME"),
            email=email.upper() if user_id % 3 == 0 else email,
            phone_numbers=[digits(50_000 + number)] if has_phone else [],
            groups=[3301] if user_id % 4 == 0 else [],
            call_recording="all" if user_id % 2 else "in",
        )

    for number in range(24):
        known(number)
    for number in range(48, 52):
        account.add_sip_line(known(number), f"04291{number}")
    for number in range(24, 40):
        known(number, has_phone=False)
    for number in range(40, 48):
        known(number, prefix="(bitrix24) ")
    for number in range(52, 55):  # twice, so that nobody can tell which is meant
        known(number)
        known(number, has_phone=False)
    _strangers(account)
    _owners(portal, account, ordinary)


def _strangers(account: Account) -> None:
    """People and things that have nothing to do with the portal; two share a number with an employee of it."""
    account.add_employee(first_name="Night", last_name="Watch", phone_numbers=["15550120"])
    account.add_employee(
        first_name="Elena", last_name="Petrova", patronymic="Igorevna", phone_numbers=[digits(50_001), "15550121...204"]
    )
    account.add_employee(first_name="Call", last_name="Center", email="callcenter@agency.example", groups=[3301, 3302])
    account.add_employee(last_name="Fax", phone_numbers=["15550122"], call_recording="off")
    account.add_employee(
        first_name="Old", last_name="Importer", email="importer@agency.example", phone_numbers=["15550123"]
    )
    account.add_employee(
        first_name="Omar",
        last_name="Nasser",
        email="omar.nasser@agency.example",
        phone_numbers=[digits(50_001), digits(50_002)],
        extension={
            "extension_phone_number": "104",
            "extension_voice_mail_enabled": False,
            "extension_queue_enabled": True,
        },
    )


def _owners(portal: Portal, account: Account, ordinary: list[int]) -> None:
    """The responsible list: ordinary people, some of the dismissed, and owners of another CRM."""
    listed = [*ordinary[:60:2], *(user_id for user_id, user in portal.users.items() if not user["ACTIVE"])]
    for user_id in listed:
        user = portal.users[user_id]
        account.responsible[str(user_id)] = " ".join(filter(None, (user.get("LAST_NAME"), user["NAME"])))
    account.responsible.update({"crm-9001": "Import from the old CRM", "crm-9002": "Website form", "900001": "Nobody"})
    account.owners_with_deals.update(str(user_id) for user_id in listed[::3])
