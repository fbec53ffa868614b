"""What the matrix shares: the scenes, prepared once a process."""

import os
from collections.abc import Iterator

import pytest

from b24_pipeline_tests.matrix.crashing import Zygote
from b24_pipeline_tests.matrix.stage import Repertoire

OURS = ("BITRIX24_", "CALLGEAR_", "B24_PIPELINE_", "DAGSTER_")


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


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Forks the runs that are to die, or to meet a full disk."""
    with Zygote() as found:
        yield found
