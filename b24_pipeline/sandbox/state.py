"""The state file: both directories as JSON, replaced atomically, readable by its owner only."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline.sandbox.types import Json

FORMAT = 1


def store(path: Path, portal: Portal, account: Account, *, switches: Iterable[str]) -> None:
    """Write the state file; `switches` are those of the page that are on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, **_state(portal, account), "switches": sorted(switches)}, ensure_ascii=False)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def restore(path: Path, portal: Portal, account: Account) -> list[str]:
    """Fill an empty portal and account from the state file, and return the switches that are on.

    Raises:
        ValueError: the file is no state of a sandbox.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']}")  # noqa: TRY301 - as any other fault of the file
        _fill(portal, kept["portal"], account, kept["account"])
        return list(kept.get("switches", []))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no state of the sandbox ({error}); remove it to start anew") from error


def _state(portal: Portal, account: Account) -> dict[str, Json]:
    return {
        "portal": {
            "users": list(portal.users.values()),
            "hidden": list(portal.hidden.values()),
            "departments": list(portal.departments.values()),
            "changed_at": portal.changed_at,
            "last_id": portal.last_id,
            "owner": portal.owner,
        },
        "account": {
            "employees": [
                {**employee, "phone_numbers": [number["phone_id"] for number in employee["phone_numbers"]]}
                for employee in account.employees.values()
            ],
            "numbers": list(account.numbers.values()),
            "sip_lines": list(account.sip_lines.values()),
            "groups": account.groups,
            "responsible": account.responsible,
            "owners_with_deals": sorted(account.owners_with_deals),
            "deleted_owners": account.deleted_owners,
            "last_employee": account.last_employee,
            "last_number": account.last_number,
        },
    }


def _fill(portal: Portal, of_portal: dict[str, Json], account: Account, of_account: dict[str, Json]) -> None:
    portal.users = {int(user["ID"]): user for user in of_portal["users"]}
    portal.hidden = {int(user["ID"]): user for user in of_portal.get("hidden", [])}
    portal.departments = {int(row["ID"]): row for row in of_portal["departments"]}
    portal.changed_at = {int(user_id): moment for user_id, moment in of_portal["changed_at"].items()}
    portal.last_id = of_portal["last_id"]
    portal.owner = of_portal["owner"]
    portal.ids = sorted(portal.users)
    account.numbers = {number["phone_id"]: number for number in of_account["numbers"]}
    for employee in of_account["employees"]:
        phones = [account.numbers[phone_id] for phone_id in employee["phone_numbers"]]
        account.employees[employee["id"]] = {**employee, "phone_numbers": phones}
    account.sip_lines = {line["id"]: line for line in of_account["sip_lines"]}
    account.groups = {int(group): name for group, name in of_account["groups"].items()}
    account.responsible = of_account["responsible"]
    account.owners_with_deals = set(of_account["owners_with_deals"])
    account.deleted_owners = of_account["deleted_owners"]
    account.last_employee = of_account["last_employee"]
    account.last_number = of_account["last_number"]
    account.index_numbers()
