"""R03: a department stands for those below it."""

import pytest

from b24_pipeline.rules.eligibility import with_those_below

TREE = {1: None, 2: 1, 3: 1, 4: 2, 5: 4, 6: 3}


@pytest.mark.parametrize(
    ("chosen", "covered"),
    [
        (set(), set()),
        ({1}, {1, 2, 3, 4, 5, 6}),
        ({2}, {2, 4, 5}),
        ({5, 3}, {3, 5, 6}),
        ({99}, {99}),
        ({2, 4}, {2, 4, 5}),
    ],
)
def test_r03_a_department_covers_all_below_it(chosen: set[int], covered: set[int]) -> None:
    assert with_those_below(chosen, parents=TREE) == covered


def test_r03_a_cycle_and_a_missing_parent_break_nothing() -> None:
    assert with_those_below({1}, parents={1: 3, 2: 1, 3: 2, 4: 4, 5: 99}) == {1, 2, 3}
    assert with_those_below({4}, parents={1: 3, 2: 1, 3: 2, 4: 4, 5: 99}) == {4}
    assert with_those_below({99}, parents={1: 3, 2: 1, 3: 2, 4: 4, 5: 99}) == {5, 99}
