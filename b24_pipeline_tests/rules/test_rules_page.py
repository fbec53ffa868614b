"""`docs/rules.md` stays true: every rule is told in full, and the code and settings it names are there."""

import ast
import re
from pathlib import Path

import pytest

from b24_pipeline.settings import named_fields

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "rules.md").read_text(encoding="utf-8")
RULES = {head.split()[0]: head + text for head, text in re.findall(r"(?m)^### (R\d\d.*)\n((?:(?!^##).*\n)*)", PAGE)}
EVERY_RULE = sorted([f"R{number:02}" for number in range(1, 21)] + ["R07a", "R09a", "R16a", "R16b", "R16c", "R18a"])
NAMED_CODE = re.compile(r"((?:`\w+`(?:, | and )?)+)\s+in\s+`(b24_pipeline/[\w/]+\.py)`")


def code_of(rule: str) -> list[tuple[str, str]]:
    """The functions that a rule names: file and function."""
    line = RULES[rule].split("- **Code:**")[1]
    return [
        (file, function)
        for functions, file in NAMED_CODE.findall(line)
        for function in re.findall(r"`(\w+)`", functions)
    ]


def functions_in(file: str) -> set[str]:
    """The functions and classes a file of the project defines at its top."""
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_every_rule_is_on_the_page_in_order() -> None:
    assert list(RULES) == EVERY_RULE


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_a_rule_has_an_example_its_setting_and_its_code(rule: str) -> None:
    assert [RULES[rule].count(f"- **{part}:**") for part in ("Example", "Setting", "Code")] == [1, 1, 1]


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_the_functions_that_implement_a_rule_are_where_the_page_says(rule: str) -> None:
    named = code_of(rule)
    assert named
    assert [(file, function) for file, function in named if function not in functions_in(file)] == []


def test_every_file_and_function_of_the_page_was_understood() -> None:
    """A name that this test could not read would never be checked."""
    for rule, text in RULES.items():
        code = text.split("- **Code:**")[1]
        assert {name for pair in code_of(rule) for name in pair} == set(re.findall(r"`([^`]+)`", code))


def test_the_settings_of_the_page_exist() -> None:
    settings = {name for name, _ in named_fields()}
    named = set(re.findall(r"(?:B24_PIPELINE|BITRIX24|CALLGEAR)_[A-Z_]+[A-Z]", PAGE))
    assert named - settings == set()


def test_the_links_at_the_top_lead_to_the_parts_of_the_page() -> None:
    parts = {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in re.findall(r"(?m)^## (.*)$", PAGE)}
    assert set(re.findall(r"\(#([\w-]+)\)", PAGE)) == parts
