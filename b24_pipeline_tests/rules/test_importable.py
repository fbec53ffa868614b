"""R02: a share of candidates that can be imported falling by more than half is a state of its own."""

import pytest

from b24_pipeline.rules.importable import Importable


@pytest.mark.parametrize(
    ("candidates", "importable", "before", "fallen"),
    [
        (40, 0, 1.0, True),
        (40, 19, 1.0, True),
        (40, 20, 1.0, False),
        (40, 40, 1.0, False),
        (40, 15, 0.8, True),
        (40, 16, 0.8, False),
        (4, 0, 1.0, True),
        (2, 0, 1.0, True),
        (1, 0, 1.0, False),
        (0, 0, 1.0, True),
        (0, 0, None, False),
        (0, 0, 0.0, False),
        (40, 0, None, False),
        (40, 0, 0.0, False),
    ],
)
def test_r02_a_share_has_fallen_when_less_than_half_is_left_and_two_people_are_concerned(
    candidates: int, importable: int, before: float | None, fallen: bool
) -> None:
    assert Importable(candidates, importable).has_fallen(before=before) is fallen


def test_r02_a_fall_is_told_in_figures() -> None:
    text = Importable(40, 3).describe_fall(before=0.975)
    assert text.startswith("only 3 of 40 candidates can be imported, at the last import it was 98%")


def test_r02_that_nobody_is_left_has_words_of_its_own() -> None:
    text = Importable(0, 0).describe_fall(before=1.0)
    assert text.startswith("no candidates are left; at the last import 100% of them could be imported")


def test_r02_a_run_that_evaluated_nobody_says_nothing_of_the_share() -> None:
    assert not Importable(0, 0, evaluated=False).has_fallen(before=1.0)
