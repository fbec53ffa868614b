"""`ADMIN_MODE` of `user.get`: without it a portal's lists may leave out users without a department (contract 2.1).

What a portal does with it is not documented: it may be refused to those who are no administrators, be ignored, or be an
unknown parameter.
"""

from collections.abc import Collection, Mapping
from typing import Final

from b24_pipeline.bitrix24.exceptions import Bitrix24Error, RetryableError

PARAMETER: Final = "ADMIN_MODE"
LISTS_USERS: Final = "user.get"


def in_admin_mode(commands: Mapping[str, str]) -> dict[str, str]:
    """The commands of a batch, those that list users in administrator mode."""
    return {
        name: f"{command}&{PARAMETER}=true" if command.startswith(f"{LISTS_USERS}?") else command
        for name, command in commands.items()
    }


def is_taken(commands: Mapping[str, str], results: Collection[str], errors: Mapping[str, Bitrix24Error]) -> bool | None:
    """Return whether the portal takes the parameter, by what became of the lists; None when that does not show."""
    lists = [name for name, command in commands.items() if command.startswith(f"{LISTS_USERS}?")]
    if any(name in results for name in lists):
        return True
    refused = [errors[name] for name in lists if name in errors]
    final = [error for error in refused if not isinstance(error, RetryableError)]
    return False if final and len(final) == len(refused) else None
