"""Every SQL statement of the store, by name; they live in the files of `audit/sql/`, each under a line `-- name: ...`.

Braces in a statement stand for identifiers that follow from declarations of this package (a table, its columns). Values
are always bound as `$parameters`.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def statement(name: str, /, **identifiers: str) -> str:
    """The statement of that name with its identifiers filled in."""
    return statements()[name].format(**identifiers)


@cache
def statements() -> Mapping[str, str]:
    """All statements by name.

    Raises:
        ValueError: two statements have one name.
    """
    found: dict[str, str] = {}
    for file in sorted(resources.files("b24_pipeline.audit").joinpath("sql").iterdir(), key=lambda file: file.name):
        _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"two statements are named {name}")
            found[name] = text.strip()
    return found
