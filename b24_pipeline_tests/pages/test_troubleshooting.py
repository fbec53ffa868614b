"""docs/troubleshooting.md quotes what the code says, to the letter."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from b24_pipeline.sandbox.callgear.errors import Mnemonic

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/troubleshooting.md").read_text(encoding="utf-8")
FILLED_IN = "\0"
CODE = re.compile(r"[A-Za-z]+(_[A-Za-z]+)+")


def said_in(folder: str, *, but_not_in: str = "") -> list[str]:
    """Every text in the code of a folder, with a mark where something is filled in."""
    files = [path for path in (PROJECT / folder).rglob("*.*") if but_not_in not in path.relative_to(PROJECT).parts]
    python = [path.read_text(encoding="utf-8") for path in files if path.suffix == ".py"]
    sql = [path.read_text(encoding="utf-8") for path in files if path.suffix == ".sql"]
    return [*(text for code in python for text in texts_in(ast.parse(code))), *sql]


def texts_in(tree: ast.AST) -> Iterator[str]:
    """The texts that are used for something: docstrings are not said to anybody."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else FILLED_IN for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield re.sub(r"\{\w+\}", FILLED_IN, node.value)


def quotes() -> list[str]:
    """What the tables quote: the code in the first column, in the table of people also in the second."""
    found: set[str] = set()
    for section in PAGE.split("\n## ")[1:]:
        columns = 2 if section.startswith("People") else 1
        for row in re.findall(r"^\| (.+) \|$", section, re.MULTILINE):
            found.update(re.findall(r"`([^`]+)`", " ".join(row.split(" | ")[:columns])))
    return sorted(found)


OURS = said_in("b24_pipeline", but_not_in="sandbox")
CODES_OF_SERVICES = {
    code.casefold() for code in (*said_in("b24_pipeline/sandbox"), *Mnemonic.__members__) if CODE.fullmatch(code)
}
"""The sandbox answers with the codes of both services; our messages repeat them."""


@pytest.mark.parametrize("quote", quotes())
def test_a_quoted_message_is_one_that_is_said(quote: str) -> None:
    said = re.compile(".+".join(re.escape(part) for part in quote.strip("… ").split("…")), re.DOTALL)
    assert any(said.search(text) for text in OURS) or quote.casefold() in CODES_OF_SERVICES


def test_the_page_quotes_something_of_everything() -> None:
    assert len(quotes()) > 50
