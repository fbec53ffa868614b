"""The page of all settings, generated from their declaration (`make docs`)."""

import sys
from enum import Enum
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from b24_pipeline.settings import named_fields

HEAD = """# Settings

Every setting is read from the environment or from the file `.env` in the project folder; a value given in the
environment wins. A missing or bad setting is one line that names it and gives an example, and exit code 2. So is what
nobody would read: an unknown name that begins with `B24_PIPELINE_`, a name that is a letter or two away from one of
these, a line of `.env` that is not `NAME=value`. Blanks and line ends around a value do not count, except in a prefix
or a password; quotes that became part of a value are refused.
This page is generated from the code: `make docs`.

| variable | default | example | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The page."""
    return HEAD + "".join(row(name, field) for name, field in named_fields())


def row(name: str, field: FieldInfo) -> str:
    """One setting."""
    example = str((field.examples or [""])[0])
    return f"| `{name}` | {default(field)} | {code(example)} | {field.description} |\n"


def default(field: FieldInfo) -> str:
    """The default in words."""
    if field.default is PydanticUndefined:
        return "**required**"
    value = field.default.value if isinstance(field.default, Enum) else field.default
    return "none" if value in (None, frozenset(), ()) else code(str(value))


def code(text: str) -> str:
    """As code; a bar would end the cell."""
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        Path(sys.argv[2]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
