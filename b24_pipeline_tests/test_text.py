"""Texts as Markdown shows them: to the letter, and none of them a link."""

import re

import pytest

from b24_pipeline.text import markdown, markdown_line

LINK = re.compile(r"(https?://|www(?=\.))[-.\w]+", re.IGNORECASE)
"""What GitHub's Markdown makes a link of, in a text without its escapes."""
ADDRESSES = (
    "https://evil.example/login",
    "http://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "www.evil.com",
    "Ivanova www.evil.com",
    "wWw.evil.com",
    "wwww.evil.com",
    "(https://evil.example)",
    "xhttps://www.evil.com",
    r"https\://evil.example",
    "https:\u2060//evil.example",
)


def shown(written: str) -> str:
    """What the reader of the Markdown sees."""
    return re.sub(r"\\([^\w\s])", r"\1", written)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_becomes_no_link_and_is_read_to_the_letter(address: str) -> None:
    written = markdown(address)

    assert LINK.search(written) is None
    assert LINK.search(shown(written)) is None
    assert shown(written).replace("\u2060", "") == address.replace("\u2060", "")


@pytest.mark.parametrize("text", ["ira@x.test", "wwwhat", "www", "http", "https: yes", "1. https", "<b>*x*</b>"])
def test_what_is_no_address_is_shown_to_the_letter(text: str) -> None:
    assert shown(markdown_line(text)) == text
