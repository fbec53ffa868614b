"""Every reason of the rules can be read by people."""

import pytest

from b24_pipeline.rules.labels import REASONS, kept, reason
from b24_pipeline.rules.models import ListReason, MatchReason, Rejection


@pytest.mark.parametrize("word", [*Rejection, *MatchReason, *ListReason])
def test_every_reason_of_the_rules_has_its_words(word: str) -> None:
    assert reason(word) == REASONS[word]
    assert "_" not in reason(word)


def test_a_word_that_is_not_known_reads_as_it_is_written() -> None:
    assert reason("some_new_word") == "some new word"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (
            '{"first_name": "Olga", "phone_numbers": ["7900", "7901...5"]}',
            'employee 12 has and keeps the first name "Olga" and the phones 7900, 7901...5',
        ),
        ('{"phone_numbers": []}', "employee 12 has and keeps no first name and no phones"),
        ('{"other_bitrix24_id": 3}', ""),
        (None, ""),
    ],
)
def test_r09_a_conflict_says_what_the_employee_has_and_will_keep(before: str | None, words: str) -> None:
    conflict = {"outcome": "conflict", "callgear_id": 12, "before": before}
    assert kept(conflict) == words
    assert kept(conflict | {"outcome": "done"}) == ""
