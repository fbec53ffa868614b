"""CONTRIBUTING.md walks through a change that can be made just so."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WALK = PAGE.partition("## One change, walked through")[2].partition("\n## ")[0]
SOURCE = "".join(path.read_text(encoding="utf-8") for path in PROJECT.glob("b24_pipeline*/**/*.py"))


@pytest.mark.parametrize("path", re.findall(r"`((?:b24_pipeline|docs|rules|settings|store)\S*/\S*)`", PAGE))
def test_every_file_that_is_named_is_there(path: str) -> None:
    assert (PROJECT / path).exists() or (PROJECT / "b24_pipeline" / path).exists()


def test_what_the_walk_names_stands_in_the_code() -> None:
    names = re.findall(
        r"`(test_r\d\d_\w+|[A-Z_]+, [A-Z_]+ = \d+, \d+|unusable_phones|valid_phone_numbers|make [a-z ]+)`", WALK
    )
    assert len(names) >= 5
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for name in names:
        goals = name.removeprefix("make ").split() if name.startswith("make ") else []
        assert all(f"\n{goal}: " in makefile for goal in goals), name
        assert goals or name in SOURCE, name
