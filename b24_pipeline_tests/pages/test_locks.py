"""The container gets what the import needs, as it was tested, and nothing else."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
BUILD = DECLARED["dependency-groups"]["build"]
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
CONTAINER_LOCK = (PROJECT / "deploy/requirements.lock").read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, str]:
    """Each package with its version and hashes; on which systems it is needed may differ."""
    return {name_of(pin): re.sub(r" ; .+(?= \\)", "", pin.strip()) for pin in re.split(r"\n(?=\w)", lock)}


def name_of(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return found.group().casefold()


def test_the_container_gets_the_packages_that_were_tested() -> None:
    assert pins(CONTAINER_LOCK).items() <= pins(LOCK).items()


def test_the_container_gets_what_is_declared_and_nothing_for_developers() -> None:
    needed = {name_of(need) for need in (*DECLARED["project"]["dependencies"], *BUILD)}
    assert needed <= pins(CONTAINER_LOCK).keys()
    assert not {"hypothesis", "mypy", "playwright", "pytest", "ruff"} & pins(CONTAINER_LOCK).keys()


def test_a_lock_names_no_host() -> None:
    assert "//" not in LOCK + CONTAINER_LOCK
