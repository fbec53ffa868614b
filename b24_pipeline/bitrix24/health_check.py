"""Read-only checks of the webhook for `b24-pipeline check` (contract 1.5, 2.7, 2.8)."""

from functools import partial
from typing import Any, Final

from b24_pipeline.bitrix24.client import BatchResponse, Bitrix24
from b24_pipeline.bitrix24.counts import count_of
from b24_pipeline.bitrix24.exceptions import Bitrix24Error, TransportError
from b24_pipeline.bitrix24.pagination import DISMISSED, EVERYBODY, command, rows_of
from b24_pipeline.bitrix24.responses import mapping
from b24_pipeline.check_result import CheckResult

_SCOPES_WITH_CONTACTS: Final = frozenset({"user", "user_basic"})
_COMMANDS: Final = {
    "owner": "profile",
    "scope": "scope",
    "users": command(EVERYBODY, start=0, order="DESC"),
    "dismissed": command(DISMISSED, start=0, order="DESC", fields=("ID",)),
}


def check_bitrix24(client: Bitrix24) -> list[CheckResult]:
    """Check the webhook, with one request. A failure of the portal is a check that did not pass."""
    try:
        response = client.batch(_COMMANDS, halt=0)
    except Bitrix24Error as error:
        return [CheckResult("webhook", passed=False, text=str(error))]
    moved = f"; the portal has moved: put {client.moved_to} into BITRIX24_WEBHOOK_URL" if client.moved_to else ""
    run = partial(CheckResult.of, failure=Bitrix24Error)
    return [
        CheckResult("webhook", passed=True, text=f"{client.host} answers{moved}"),
        run("owner", lambda: _owner(response)),
        run("scope", lambda: _scope(response)),
        run("contacts", lambda: _contacts(response)),
        run("users", lambda: _users(client, response)),
    ]


def _owner(response: BatchResponse) -> tuple[bool, str]:
    owner = mapping(_result(response, "owner"))
    if not owner:
        return False, "the webhook's owner is not active: let an active administrator create a new webhook"
    name = " ".join(str(owner.get(part) or "") for part in ("NAME", "LAST_NAME"))
    shown = "".join(character for character in name if character.isprintable()).strip()
    rights = (
        "" if owner.get("ADMIN") else "; not an administrator, so only what Bitrix24 shows to this person is imported"
    )
    return True, f"{shown or 'no name'} (id {owner.get('ID')}){rights}"


def _scope(response: BatchResponse) -> tuple[bool, str]:
    sent = _result(response, "scope")
    if isinstance(sent, dict):  # from numbers to names, or from names to flags
        sent = [name if isinstance(name, str) else key for key, name in sent.items() if name]
    scopes = set(map(str, sent)) if isinstance(sent, list) else set()
    enough = sorted(scopes & _SCOPES_WITH_CONTACTS)
    if enough:
        return True, ", ".join(enough)
    has = "user_brief, which has no e-mail and no phones" if "user_brief" in scopes else "no scope for users"
    return False, f'the webhook has {has}: tick "Users" (user or user_basic) on it in Bitrix24'


def _contacts(response: BatchResponse) -> tuple[bool, str]:
    if any("EMAIL" in row for row in rows_of(_result(response, "users"))):
        return True, "users come with e-mail and phones"
    return False, 'no user comes with an e-mail field: tick "Users" (user or user_basic) on the webhook in Bitrix24'


def _users(client: Bitrix24, response: BatchResponse) -> tuple[bool, str]:
    _result(response, "users")
    total, _ = count_of(client, response, "users", EVERYBODY)
    if not total:
        return False, "the portal shows no users: use a webhook owned by a portal administrator"
    dismissed, _ = count_of(client, response, "dismissed", DISMISSED)
    return True, f"{total} users; {dismissed} are dismissed"


def _result(response: BatchResponse, name: str) -> Any:  # noqa: ANN401 - as the portal sent it
    if name in response.errors:
        raise response.errors[name]
    if name not in response.results:
        raise TransportError(f"{name}: not answered")
    return response.results[name]
