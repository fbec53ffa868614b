"""What the pages link to is there, no picture lies about unseen, and no cell of a table is cut off."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]


def targets(page: Path) -> set[Path]:
    """The files that a page links to or shows."""
    found = re.findall(r"\]\(([^)#]+)[^)]*\)|<img src=\"([^\"]+)\"", page.read_text(encoding="utf-8"))
    return {(page.parent / (link or picture)).resolve() for link, picture in found if "://" not in link}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [target for target in targets(page) if not target.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_row_of_a_table_has_the_cells_of_its_head(page: Path) -> None:
    rows = re.findall(r"(?:^\|.*\|\n)+", page.read_text(encoding="utf-8"), re.MULTILINE)
    for table in rows:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


def test_every_picture_is_shown_somewhere() -> None:
    pictures = {picture.resolve() for picture in PROJECT.glob("docs/images/*.png")}
    assert pictures <= set().union(*map(targets, PAGES))
