"""Ranges of ids cover everything exactly, whatever page they were guessed from."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b24_pipeline.callgear.employees import TARGET_ROWS, IdRange, parts

IDS = st.lists(st.integers(1, 10**9), min_size=2, max_size=50, unique=True).map(sorted)


@given(seen=IDS, total=st.integers(10_001, 10**6), open_above=st.booleans(), room=st.integers(0, 10**6))
def test_the_parts_cover_a_range_exactly_and_each_is_smaller(
    seen: list[int], total: int, open_above: bool, room: int
) -> None:
    for whole in (IdRange(upto=seen[-1] + room), IdRange(seen[0] - 1, None if open_above else seen[-1] + room)):
        cut = parts(whole, seen=seen, total=total)

        assert (cut[0].above, cut[-1].upto) == (whole.above, whole.upto)
        assert all(left.upto == right.above for left, right in pairwise(cut))
        assert len(cut) >= 2


@pytest.mark.parametrize(
    ("above", "upto", "inside"), [(None, 5, True), (5, None, False), (4, 5, True), (None, None, True)]
)
def test_a_range_begins_above_its_lower_bound_and_ends_with_its_upper(
    above: int | None, upto: int | None, inside: bool
) -> None:
    assert IdRange(above, upto).holds(5) is inside


def test_a_range_is_a_filter_of_the_api() -> None:
    assert IdRange().filter() is None
    assert IdRange(4, 9).filter() == {
        "filters": [{"field": "id", "operator": ">", "value": 4}, {"field": "id", "operator": "<=", "value": 9}],
        "condition": "and",
    }


def held(cut: list[IdRange], ids: list[int]) -> list[int]:
    return [sum(part.holds(number) for number in ids) for part in cut]


def test_a_sample_of_uneven_ids_gives_parts_that_fit_on_a_page() -> None:
    chance = random.Random(7)
    ids = sorted({int(chance.lognormvariate(12, 2)) for _ in range(120_000)})[:80_000]
    seen = sorted(chance.sample(ids, 10_000))

    cut = parts(IdRange(seen[0] - 1, seen[-1]), seen=seen, total=len(ids))

    assert max(held(cut, ids)) <= 10_000
    assert len(cut) == -(-len(ids) // TARGET_ROWS)


def test_the_lowest_ids_of_an_open_range_tell_how_to_go_on() -> None:
    ids = list(range(1000, 91_000))

    cut = parts(IdRange(above=999), seen=ids[:10_000], total=len(ids))

    assert max(held(cut, ids)) <= 10_000


def test_the_highest_ids_tell_how_to_go_on_downwards() -> None:
    ids = list(range(1000, 91_000))

    cut = parts(IdRange(upto=90_999), seen=ids[-10_000:], total=len(ids))

    assert max(held(cut, ids)) <= 10_000


def test_the_lowest_ids_of_a_closed_range_are_not_taken_for_all_of_it() -> None:
    ids = list(range(1000, 41_000))

    cut = parts(IdRange(999, 40_999), seen=ids[:10_000], total=len(ids))

    assert max(held(cut, ids)) <= 10_000
