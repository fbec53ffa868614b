"""What the matrix shares: the scenes, prepared once a process."""

import os

import pytest

from b24_pipeline_tests.faults.stage import Repertoire
from b24_pipeline_tests.harness import OURS


@pytest.fixture(scope="session")
def repertoire(tmp_path_factory: pytest.TempPathFactory) -> Repertoire:
    """Every scene."""
    return Repertoire(tmp_path_factory.mktemp("repertoire"))


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings are the test's."""
    for name in [*os.environ]:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
