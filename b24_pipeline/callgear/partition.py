"""Where to cut a range of ids so that each part fits on one page, learnt from the ids of a page that did not hold all.

Employees cannot be sorted by id (contract 5.1): a page may be the lowest ids of its range, or any of them. Borders are
guesses: a wrong one costs a request, never rows: each part is checked by itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

TARGET_ROWS = 8_500
"""Rows planned for one part: leaves room below the page of 10,000 for uneven ids and for employees added meanwhile."""
SPREAD_SHARE = 0.1
"""Ids seen this close to both ends of a range, by their own span, are a sample of all of it."""


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
    inner = {border for border in _borders(whole, seen, count) if whole.holds(border)} - {whole.upto}
    edges = [whole.above, *(sorted(inner) or [seen[(len(seen) - 1) // 2]]), whole.upto]
    return [IdRange(above, upto) for above, upto in pairwise(edges)]


def _borders(whole: IdRange, seen: Sequence[int], count: int) -> list[int]:
    """Borders for `count` parts; on from the ids seen, as densely as those lie, where they are only one end of it."""
    span = seen[-1] - seen[0] + 1
    below = math.inf if whole.above is None else seen[0] - whole.above
    beyond = math.inf if whole.upto is None else whole.upto - seen[-1]
    width = math.ceil(span * TARGET_ROWS / len(seen))
    if max(below, beyond) <= SPREAD_SHARE * span:
        return [seen[len(seen) * part // count] for part in range(1, count)]
    if beyond >= below:
        return [seen[0] - 1 + width * part for part in range(1, count)]
    return [seen[-1] - width * part for part in range(1, count)]
