"""Identity of a CallGear account (R16b): all customers share one host, only the number differs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """An account's number (`app_id`; empty where CallGear does not tell it) and its name, for people."""

    app_id: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} (number {self.app_id})" if self.name else f"number {self.app_id}"


UNKNOWN_ACCOUNT = AccountIdentity()


def wrong_account_message(expected: AccountIdentity, found: AccountIdentity) -> str:
    """One line that says which account was expected, which answered, and what to do."""
    answered = (
        f"the CallGear account {found} answered" if found.app_id else "CallGear did not report which one answered"
    )
    return (
        f"this database belongs to the CallGear account {expected}, but {answered}: put the token of the expected "
        "account into the settings, or name another file in B24_PIPELINE_DATABASE; if the other account is meant from "
        "now on: b24-pipeline rebind"
    )
