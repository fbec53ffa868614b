"""The core is pure: it knows frames and records, and nothing of Dagster, HTTP or the database."""

import subprocess
import sys

import pytest

IMPORT_EVERY_RULE = """
import importlib, pkgutil, sys
import b24_pipeline.rules as rules
for module in pkgutil.walk_packages(rules.__path__, "b24_pipeline.rules."):
    importlib.import_module(module.name)
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """Every module that a fresh interpreter has loaded once it has all of the rules."""
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_EVERY_RULE], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.split())


@pytest.mark.parametrize(
    "outside", ["dagster", "httpx", "duckdb", "starlette", "pydantic_settings", "b24_pipeline.sandbox"]
)
def test_the_rules_import_nothing_of_the_world_outside(imported: set[str], outside: str) -> None:
    assert outside not in imported


def test_the_rules_use_nothing_of_the_project_but_the_schemas(imported: set[str]) -> None:
    ours = {name for name in imported if name.startswith("b24_pipeline")}
    assert "b24_pipeline.rules.matching" in ours
    ground_floor = {"b24_pipeline", "b24_pipeline.schemas"}
    assert {name for name in ours if not name.startswith("b24_pipeline.rules")} == ground_floor
