"""Where to cut a range of ids so that each part fits on one page, learnt from the ids of a page that did not hold all.

Employees cannot be sorted by id (contract 5.1): a page may be the lowest ids of its range, or any of them. Borders are
guesses that cost a request when wrong, never rows: each part is checked by itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

TARGET_ROWS = 8_500
"""Rows planned for one part: leaves room below the page of 10,000 for uneven ids and for employees added meanwhile."""
SPREAD_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class IdRange:
    """The ids above `above`, up to and with `upto`; open where None."""

    above: int | None = None
    upto: int | None = None

    def holds(self, number: int) -> bool:
        """Whether the id lies in the range."""
        return (self.above is None or number > self.above) and (self.upto is None or number <= self.upto)

    def filter(self) -> dict[str, Any] | None:
        """The filter of `get.employees` for the range; None for all ids (contract 2)."""
        bounds = []
        if self.above is not None:
            bounds.append({"field": "id", "operator": ">", "value": self.above})
        if self.upto is not None:
            bounds.append({"field": "id", "operator": "<=", "value": self.upto})
        return {"filters": bounds, "condition": "and"} if bounds else None


def parts(whole: IdRange, *, seen: Sequence[int], total: int) -> list[IdRange]:
    """Cut `whole`, which holds `total` ids, at what the sorted ids `seen` of it suggest; the parts cover it exactly."""
    count = max(2, math.ceil(total / TARGET_ROWS))
    if whole.upto is None:
        borders = _beyond(whole, seen, count)
    elif _spread(whole, whole.upto, seen):
        borders = [seen[len(seen) * part // count] for part in range(1, count)]
    else:
        low = seen[0] - 1 if whole.above is None else whole.above
        borders = [low + (whole.upto - low) * part // count for part in range(1, count)]
    inner = sorted({border for border in borders if whole.holds(border)} - {whole.upto})
    edges = [whole.above, *inner, whole.upto]
    return [IdRange(above, upto) for above, upto in pairwise(edges)]


def _spread(whole: IdRange, upto: int, seen: Sequence[int]) -> bool:
    """Whether the ids seen reach up to the end of the range, as a sample of all of it does."""
    low = seen[0] if whole.above is None else whole.above
    return upto - seen[-1] <= SPREAD_SHARE * (upto - low)


def _beyond(whole: IdRange, seen: Sequence[int], count: int) -> list[int]:
    """Borders of a range without an end: on from the lowest ids, as densely as those lie."""
    low = seen[0] - 1 if whole.above is None else whole.above
    width = max(1, math.ceil((seen[-1] - low) * TARGET_ROWS / len(seen)))
    return [low + width * part for part in range(1, count)]
