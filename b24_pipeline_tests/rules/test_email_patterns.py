"""R03: a glob pattern that no address can match leaves nobody out."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b24_pipeline.rules.email_patterns import can_match


@pytest.mark.parametrize(
    "pattern",
    ["*", "***", "*@*", "*@x.test", "test-*@*", "*x.test", "ira*", "?@?", "[ab]@x", "[!a]*", "[@x", "IRA@X.TEST", "я*"],
)
def test_r03_a_pattern_that_an_address_can_match(pattern: str) -> None:
    assert can_match(pattern)


@pytest.mark.parametrize(
    "pattern", ["", "x.test", "@x.test", "ira@", "?@", "@*", "??", "a b@x", "a@b@c", "*@*@*", "[@]@x", "x\u200b@x", "["]
)
def test_r03_a_pattern_that_no_address_can_match(pattern: str) -> None:
    assert not can_match(pattern)


@given(st.text("ab@.", max_size=6), st.text("ab@.*?", max_size=6))
def test_r03_whatever_matches_an_address_can_match(address: str, pattern: str) -> None:
    is_address = address.count("@") == 1 and not address.startswith("@") and not address.endswith("@")
    assert not (is_address and fnmatchcase(address, pattern)) or can_match(pattern)
