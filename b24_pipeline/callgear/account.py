"""Asking the account which one it is (R16b)."""

from b24_pipeline.account import UNKNOWN_ACCOUNT, AccountIdentity
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import MethodError, RecordError
from b24_pipeline.callgear.rows import label_of


def read_account(client: CallGear) -> AccountIdentity:
    """The account that answers now, for one point; `UNKNOWN_ACCOUNT` where the token may not ask.

    Agents may not (contract 1.5). The client's user on whose behalf they call takes the place of the number.

    Raises:
        CallGearError: it cannot be asked.
    """
    if client.user_id is not None:
        return AccountIdentity(app_id=f"of user {client.user_id}")
    try:
        account = client.call("get.account").fields()
    except (MethodError, RecordError):
        return UNKNOWN_ACCOUNT
    return AccountIdentity(label_of(account.get("app_id")), label_of(account.get("name")))
