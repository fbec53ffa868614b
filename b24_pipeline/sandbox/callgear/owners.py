"""``*.deal_employees``: the responsible list (contract 6)."""

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, entity_not_found
from b24_pipeline.sandbox.callgear.params import REQUIRED_STRING, STRING
from b24_pipeline.sandbox.callgear.reading import Columns, Params, Result, Row

OWNER_COLUMNS = Columns(("ext_id", "name"), sortable=frozenset(("ext_id", "name")))
CREATE_OWNER = {"ext_id": REQUIRED_STRING, "name": REQUIRED_STRING}
UPDATE_OWNER = {"ext_id": REQUIRED_STRING, "name": STRING}
DELETE_OWNER = {"ext_id": REQUIRED_STRING}


def owners(account: Account) -> list[Row]:
    """The list as rows; deleted owners come back first where the built-in sync is on."""
    if account.behavior.owners_reappear and account.deleted_owners:
        account.responsible.update(account.deleted_owners)
        account.deleted_owners.clear()
        account.record()
    return [{"ext_id": ext_id, "name": name} for ext_id, name in account.responsible.items()]


def create_owner(account: Account, params: Params) -> Result:
    """List somebody.

    Raises:
        CallGearError: the ``ext_id`` is listed.
    """
    ext_id = str(params["ext_id"])
    if ext_id in account.responsible:
        if not account.behavior.accepts_known_owner:
            raise CallGearError(Mnemonic.DUPLICATE_ENTITY, field="ext_id", value=ext_id)
    else:
        account.responsible[ext_id] = params["name"]
        account.record()
    return Result({"ext_id": ext_id})


def update_owner(account: Account, params: Params) -> Result:
    """Rename somebody.

    Raises:
        CallGearError: the ``ext_id`` is unknown.
    """
    ext_id = params["ext_id"]
    if ext_id not in account.responsible:
        raise entity_not_found("ext_id", ext_id)
    if params.get("name") is not None:
        account.responsible[ext_id] = params["name"]
        account.record()
    return Result({})


def delete_owner(account: Account, params: Params) -> Result:
    """Take somebody off the list.

    Raises:
        CallGearError: the ``ext_id`` is unknown, or owns deals.
    """
    ext_id = params["ext_id"]
    if ext_id not in account.responsible:
        raise entity_not_found("ext_id", ext_id)
    if ext_id in account.owners_with_deals and not account.behavior.deletes_owners_with_deals:
        raise CallGearError(Mnemonic.DEPENDENCY_ERROR, field="ext_id", value=ext_id)
    account.deleted_owners[ext_id] = account.responsible.pop(ext_id)
    account.record()
    return Result({})
