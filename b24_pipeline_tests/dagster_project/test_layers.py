"""Imports point down: a module knows its own layer and those below it, and nothing of Dagster that is private."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LAYERS = (
    {"cli"},
    {"definitions", "embedding"},
    {"checks", "sensors", "schedules", "jobs", "change_detection", "portal_polling", "connection_health"},
    {"assets"},
    {"resources", "io_manager"},
    {"reporting", "alerts", "overview", "sync", "dagster_runs", "asset_metadata"},
    {"connection"},
    {"audit", "bitrix24", "callgear", "settings", "sandbox"},
    {"rules", "schemas", "http"},
)
"""From the roof down; a module that is not named here stands on the ground and knows only what stands there too."""


def imports(root: str) -> Iterator[tuple[str, str]]:
    """Every module below a folder, and what it imports."""
    for file in (PROJECT / root).rglob("*.py"):
        module = ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((module, alias.name) for alias in node.names)
            if isinstance(node, ast.ImportFrom) and node.module:
                yield from ((module, f"{node.module}.{alias.name}") for alias in node.names)


def height(module: str) -> int:
    """The number of the layer, counted from the ground."""
    package, *rest = module.split(".")[1:3]
    heights = {name: number for number, layer in enumerate(reversed(LAYERS), start=1) for name in layer}
    return heights.get(".".join([package, *rest]), heights.get(package, 0))


def test_imports_point_down() -> None:
    ours = {pair for pair in imports("b24_pipeline") if all(name.startswith("b24_pipeline.") for name in pair)}
    assert sorted(pair for pair in ours if height(pair[1]) > height(pair[0])) == []


@pytest.mark.parametrize("root", ["b24_pipeline", "b24_pipeline_tests"])
def test_nothing_private_of_dagster_is_imported(root: str) -> None:
    assert sorted(pair for pair in imports(root) if pair[1].startswith("dagster._")) == []
