"""``*.deal_employees``: the responsible list (contract 6)."""

from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.callgear.behaviour import KnownOwner, OwnerWithDeals
from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic, entity_not_found
from b24_pipeline.sandbox.callgear.params import REQUIRED_STRING, STRING
from b24_pipeline.sandbox.callgear.reading import Columns, Row
from b24_pipeline.sandbox.types import Json

OWNER_COLUMNS = Columns(
    default=("ext_id", "name"),
    filterable=frozenset(("ext_id", "name")),
    sortable=frozenset(("ext_id", "name")),
)
DEAL_COLUMNS = Columns(
    default=("id", "deal_id", "employee_ext_id", "employee_name"),
    filterable=frozenset(("id", "deal_id", "employee_ext_id", "employee_name")),
    sortable=frozenset(("deal_id", "employee_ext_id", "employee_name")),
)
CREATE_OWNER = {"ext_id": REQUIRED_STRING, "name": REQUIRED_STRING}
UPDATE_OWNER = {"ext_id": REQUIRED_STRING, "name": STRING}
DELETE_OWNER = {"ext_id": REQUIRED_STRING}


def owners(account: Account) -> list[Row]:
    """The list as rows; deleted owners come back first where the built-in sync is on."""
    if account.behaviour.owners_reappear and account.deleted_owners:
        account.responsible.update(account.deleted_owners)
        account.deleted_owners.clear()
        account.record()
    return [{"ext_id": ext_id, "name": name} for ext_id, name in account.responsible.items()]


def deals(account: Account) -> list[Row]:
    """One row of history for everybody who owns deals."""
    return [
        {
            "id": 60_000 + position,
            "deal_id": 8_000 + position,
            "employee_ext_id": ext_id,
            "employee_name": account.responsible.get(ext_id),
        }
        for position, ext_id in enumerate(sorted(account.owners_with_deals))
    ]


def create_owner(account: Account, params: dict[str, Json]) -> str:
    """List somebody and return the ``ext_id``.

    Raises:
        CallGearError: the ``ext_id`` is listed.
    """
    ext_id = str(params["ext_id"])
    if ext_id in account.responsible:
        if account.behaviour.known_owner is KnownOwner.DUPLICATE_ENTITY:
            raise CallGearError(Mnemonic.DUPLICATE_ENTITY, field="ext_id", value=ext_id)
        return ext_id
    account.responsible[ext_id] = params["name"]
    account.record()
    return ext_id


def update_owner(account: Account, params: dict[str, Json]) -> None:
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


def delete_owner(account: Account, params: dict[str, Json]) -> None:
    """Take somebody off the list.

    Raises:
        CallGearError: the ``ext_id`` is unknown, or owns deals.
    """
    ext_id = params["ext_id"]
    if ext_id not in account.responsible:
        raise entity_not_found("ext_id", ext_id)
    keeps = account.behaviour.owner_with_deals is OwnerWithDeals.DEPENDENCY_ERROR
    if keeps and ext_id in account.owners_with_deals:
        raise CallGearError(Mnemonic.DEPENDENCY_ERROR, field="ext_id", value=ext_id)
    account.deleted_owners[ext_id] = account.responsible.pop(ext_id)
    account.record()
