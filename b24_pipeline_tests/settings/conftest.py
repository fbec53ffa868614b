"""Settings start from nothing in every test."""

from pathlib import Path

import pytest

from b24_pipeline import settings
from b24_pipeline.settings.dagster import GIVEN

WEBHOOK = "https://company.bitrix24.com/rest/1/abcdefgh12345678/"
ENOUGH = {"BITRIX24_WEBHOOK_URL": WEBHOOK, "CALLGEAR_ACCESS_TOKEN": "x9k2m4p6q8r0"}


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting is given, and there is no `.env`."""
    for name, _ in settings.named_fields():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(GIVEN, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As much as is needed."""
    for name, value in ENOUGH.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
