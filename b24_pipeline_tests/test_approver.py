"""Who approves, wherever the command runs."""

import os
import pwd
from types import SimpleNamespace
from typing import Any

import pytest

from b24_pipeline.approver import dagster_user, system_user, valid_comment


@pytest.fixture(autouse=True)
def without_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)


def unknown(number: int) -> Any:
    raise KeyError(f"getpwuid(): uid not found: {number}")


def test_the_operating_systems_user_has_a_name_or_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert system_user() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert system_user() == f"uid {os.getuid()}"


def test_who_called_sudo_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name="b24"))
    monkeypatch.setenv("SUDO_USER", "ira\x1b")
    assert system_user() == "b24 (sudo by ira)"
    monkeypatch.setenv("SUDO_USER", "b24")
    assert system_user() == "b24"


def test_a_ui_without_users_is_named_itself() -> None:
    assert (dagster_user({}), dagster_user({"user": "ira\n"})) == ("dagster ui", "ira")


def test_a_comment_is_trimmed_and_keeps_the_joiners_of_scripts() -> None:
    assert valid_comment("  agreed: \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645  ").startswith("agreed: ")
