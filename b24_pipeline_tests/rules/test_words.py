"""Every reason of the rules can be read by people."""

import pytest

from b24_pipeline.rules.records import MatchReason, Rejection
from b24_pipeline.rules.words import REASONS, reason


@pytest.mark.parametrize("word", [*Rejection, *MatchReason])
def test_every_reason_of_the_rules_has_its_words(word: str) -> None:
    assert reason(word) == REASONS[word]
    assert "_" not in reason(word)


def test_a_word_that_is_not_known_reads_as_it_is_written() -> None:
    assert reason("some_new_word") == "some new word"
