"""What the matrix shares: the scenarios, prepared once a process."""

import os

import pytest

from b24_pipeline_tests.faults.prepared_scenarios import PreparedScenarios
from b24_pipeline_tests.harness import OURS


@pytest.fixture(scope="session")
def prepared_scenarios(tmp_path_factory: pytest.TempPathFactory) -> PreparedScenarios:
    """Every scenario."""
    return PreparedScenarios(tmp_path_factory.mktemp("prepared_scenarios"))


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings are the test's."""
    for name in [*os.environ]:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
