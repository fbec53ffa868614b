"""docs/internals/benchmarks.md: people write the words, `make bench WRITE=1` the tables between the marks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from b24_pipeline_tests.benchmarks.processes import PROJECT
from b24_pipeline_tests.benchmarks.report_rows import Line, markdown_table

PAGE: Final = PROJECT / "docs" / "internals" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Measured:
    """One part's lines, and how, when and where they were measured."""

    part: str
    lines: Sequence[Line]
    command: str
    date: date
    circumstances: str

    def section(self) -> str:
        """What stands between the part's marks."""
        return f"`{self.command}`, {self.date}; {self.circumstances}\n\n{markdown_table(self.lines)}"


def write(results: Sequence[Measured]) -> None:
    """Replace the tables of these parts.

    Raises:
        ValueError: the page has no marks for a part.
    """
    text = PAGE.read_text(encoding="utf-8")
    for result in results:
        text = with_section(text, result.part, result.section())
    PAGE.write_text(text, encoding="utf-8")


def with_section(text: str, part: str, section: str) -> str:
    """The page with another table of one part."""
    begin, end = f"<!-- measured: {part} -->", f"<!-- end: {part} -->"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"{PAGE.name} has no place for {part}: {begin} ... {end}")
    return marked.sub(lambda _: f"{begin}\n{section}\n{end}", text)
