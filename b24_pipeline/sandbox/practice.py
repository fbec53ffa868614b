"""Switches of the page, with which a team practices a failure, a hold and a recovery; the importer that one starts."""

from collections.abc import Callable
from enum import StrEnum

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.behavior import OtherImporter
from b24_pipeline.sandbox.faults import Fault, FaultKind
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline.sandbox.recording import Api, RequestSeen
from b24_pipeline.sandbox.types import Json

SLOW_SECONDS = 3.0
PREFIX = "(crm) "
DOWN = Fault(FaultKind.CONNECTION_REFUSED)
REFUSED = Fault(FaultKind.MNEMONIC, mnemonic="invalid_parameter_value", field="email")
HAS_DEALS = Fault(FaultKind.MNEMONIC, mnemonic="dependency_error", field="ext_id")


class Switch(StrEnum):
    """What can be switched on and off again; the value is its name in the page's addresses."""

    CALLGEAR_DOWN = "callgear-down"
    CALLGEAR_SLOW = "callgear-slow"
    ONE_PERSON_REFUSED = "one-person-refused"
    LEAVERS_OWN_DEALS = "leavers-own-deals"
    PORTAL_HALF_EMPTY = "portal-half-empty"
    OTHER_IMPORTER = "other-importer"


DESCRIPTIONS = {
    Switch.CALLGEAR_DOWN: ("CallGear is down", "Every connection is closed without an answer."),
    Switch.CALLGEAR_SLOW: ("CallGear is slow", f"Every answer takes {SLOW_SECONDS:g} seconds longer."),
    Switch.ONE_PERSON_REFUSED: (
        "CallGear refuses one person",
        "Whoever was hired last is not taken as a new employee.",
    ),
    Switch.LEAVERS_OWN_DEALS: (
        "Leavers own deals",
        "Nobody can be removed from the responsible list (dependency_error).",
    ),
    Switch.PORTAL_HALF_EMPTY: (
        "The portal is half empty",
        "Every second user is gone, as if deleted; switched off, they are back.",
    ),
    Switch.OTHER_IMPORTER: (
        "Another importer is at work",
        f'Whoever is created is created a second time, as "{PREFIX}…"; switched off, those are removed.',
    ),
}
"""What the page says of each: a title, and what it does."""


class Practice:
    """Which switches are `on`, and what they do to requests."""

    def __init__(self, portal: Portal, account: Account, *, changed: Callable[[], None]) -> None:
        self.on: set[Switch] = set()
        self._portal = portal
        self._account = account
        self._changed = changed

    def turn_on(self, switch: Switch) -> None:
        """Switch on; nothing happens where it is on."""
        self.on.add(switch)
        if switch is Switch.PORTAL_HALF_EMPTY:
            self._portal.hide([user_id for user_id in self._portal.ids[1::2] if user_id != self._portal.owner])
        self._changed()

    def turn_off(self, switch: Switch) -> None:
        """Switch off again, and undo what it has done; nothing happens where it is off."""
        self.on.discard(switch)
        if switch is Switch.PORTAL_HALF_EMPTY:
            self._portal.show_hidden()
        if switch is Switch.OTHER_IMPORTER:
            for employee_id, employee in list(self._account.employees.items()):
                if str(employee["last_name"]).startswith(PREFIX):
                    self._account.remove_employee(employee_id)
        self._changed()

    def seconds(self, api: Api) -> float:
        return SLOW_SECONDS if api is Api.CALLGEAR and Switch.CALLGEAR_SLOW in self.on else 0.0

    def fault_of(self, request: RequestSeen) -> Fault | None:
        if request.api is not Api.CALLGEAR:
            return None
        if Switch.CALLGEAR_DOWN in self.on:
            return DOWN
        if Switch.LEAVERS_OWN_DEALS in self.on and request.method == "delete.deal_employees":
            return HAS_DEALS
        if Switch.ONE_PERSON_REFUSED in self.on and request.method == "create.employees":
            by_age = (self._portal.users[user_id] for user_id in reversed(self._portal.ids))
            newest = next((str(user["EMAIL"]) for user in by_age if user.get("EMAIL") and user["ACTIVE"]), "")
            is_newest = str(request.params.get("email", "")).strip().casefold() == newest.strip().casefold()
            return REFUSED if newest.strip() and is_newest else None
        return None


class Importer:
    """Somebody else who imports the portal's people into the account: CallGear's own import, a second installation."""

    def __init__(self, portal: Portal, account: Account, practice: Practice) -> None:
        self._portal = portal
        self._account = account
        self._practice = practice
        self._has_imported = False

    def after(self, method: str, params: dict[str, Json]) -> None:
        """Act after one of our requests was carried out."""
        mode = self._account.behavior.other_importer
        if mode is OtherImporter.AHEAD and method == "get.employees" and not self._has_imported:
            self._has_imported = True
            known = {str(employee["email"]).casefold() for employee in self._account.employees.values()}
            for user in self._portal.users.values():
                email = user.get("EMAIL") or ""
                is_employee = user.get("ACTIVE") and user.get("USER_TYPE") == "employee"
                if is_employee and email and email.casefold() not in known:
                    self._create(user.get("NAME"), user.get("LAST_NAME"), email)
        is_alongside = mode is OtherImporter.ALONGSIDE or Switch.OTHER_IMPORTER in self._practice.on
        if is_alongside and method == "create.employees":
            self._create(params["first_name"], params["last_name"], params["email"])

    def _create(self, first_name: Json, last_name: Json, email: Json) -> None:
        self._account.add_employee(first_name=first_name, last_name=f"{PREFIX}{last_name}", email=email)
