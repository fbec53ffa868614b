"""Somebody else who imports the portal's people into the account: CallGear's own import, a second installation."""

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.behavior import OtherImporter
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline.sandbox.types import Json

PREFIX = "(crm) "


class Importer:
    """The other importer of one sandbox, as it is switched."""

    def __init__(self, portal: Portal, account: Account) -> None:
        self._portal = portal
        self._account = account
        self._has_imported = False

    def after(self, method: str, params: dict[str, Json]) -> None:
        """Act after one of our requests was carried out."""
        mode = self._account.behavior.other_importer
        if mode is OtherImporter.AHEAD and method == "get.employees" and not self._has_imported:
            self._has_imported = True
            self._import_everybody()
        if mode is OtherImporter.ALONGSIDE and method == "create.employees":
            self._create(params["first_name"], params["last_name"], params["email"])

    def _import_everybody(self) -> None:
        """Create every employee of the portal who has an e-mail that nobody has."""
        known = {str(employee["email"]).casefold() for employee in self._account.employees.values()}
        for user in self._portal.users.values():
            email = user.get("EMAIL")
            if user.get("ACTIVE") and user.get("USER_TYPE") == "employee" and email and email.casefold() not in known:
                self._create(user.get("NAME"), user.get("LAST_NAME"), email)

    def _create(self, first_name: Json, last_name: Json, email: Json) -> None:
        self._account.add_employee(first_name=first_name, last_name=f"{PREFIX}{last_name}", email=email)
