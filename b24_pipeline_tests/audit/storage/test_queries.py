"""Every statement stands in one place, and stays within what DuckLake offers."""

import re
from importlib import resources
from pathlib import Path

import pytest

from b24_pipeline import audit
from b24_pipeline.audit.storage.queries import statement, statements

FOLDER = Path(audit.__file__).parent
CODE = {file.name: file.read_text() for file in FOLDER.rglob("*.py")}


@pytest.mark.parametrize(
    "word", ["PRIMARY KEY", "UNIQUE", "INDEX", "SEQUENCE", "FOREIGN KEY", "ON CONFLICT", "DEFAULT"]
)
def test_nothing_is_relied_on_that_ducklake_lacks(word: str) -> None:
    of_duckdb = (file.read_text() for file in (FOLDER / "sql").glob("*.sql") if file.name != "postgres.sql")
    schema = "\n".join([*of_duckdb, CODE["schema.py"]])
    assert not re.search(rf"\b{word}\b", schema.upper())


def test_no_statement_stands_in_the_code() -> None:
    pattern = re.compile(r"\"(SELECT|INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|ATTACH|COPY|WITH) ")
    assert {name: pattern.findall(text) for name, text in CODE.items() if pattern.search(text)} == {}


def test_every_statement_is_used() -> None:
    code = "\n".join(file.read_text() for file in FOLDER.parent.rglob("*.py"))
    assert [name for name in statements() if f'"{name}"' not in code] == []


def test_a_statement_is_given_with_its_identifiers() -> None:
    assert statement("row_count", table="links") == "SELECT count(*) FROM store.links"


def test_every_statement_file_is_shipped() -> None:
    assert {file.name for file in (FOLDER / "sql").iterdir()} == {
        file.name for file in resources.files("b24_pipeline.audit").joinpath("sql").iterdir()
    }
    assert all(file.suffix == ".sql" for file in (FOLDER / "sql").iterdir())
