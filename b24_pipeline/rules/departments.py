"""R03: a department stands for those below it, too."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet


def with_those_below(chosen: AbstractSet[int], *, parents: Mapping[int, int | None]) -> frozenset[int]:
    """The departments and all below them, whatever the tree looks like: with cycles, or parents that are not there.

    Args:
        chosen: ids of departments; they are in the result also where the tree does not know them.
        parents: the department that each one is directly below, None for the topmost.
    """
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for department, parent in parents.items():
        children[parent].append(department)
    found: set[int] = set()
    remaining = list(chosen)
    while remaining:
        department = remaining.pop()
        if department not in found:
            found.add(department)
            remaining += children[department]
    return frozenset(found)
