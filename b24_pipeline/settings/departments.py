"""Settings that name departments."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Annotated, Self

from pydantic import PlainValidator
from pydantic_settings import NoDecode

from b24_pipeline.settings.base import parts, whole_number

ALONE = "="
"""Precedes the id of a department that is meant without its sub-departments."""


class DepartmentIds(frozenset[int]):
    """Departments that a setting names; those in `alone` are meant without their sub-departments."""

    alone: frozenset[int]

    def __new__(cls, with_those_below: Iterable[int] = (), *, alone: AbstractSet[int] = frozenset()) -> Self:
        whole = frozenset(with_those_below)
        self = super().__new__(cls, whole | alone)
        self.alone = frozenset(alone - whole)
        return self

    @property
    def with_those_below(self) -> frozenset[int]:
        """The departments that include their sub-departments."""
        return self - self.alone


def departments(value: object) -> DepartmentIds:
    """Read a comma-separated list of department ids; `=` marks one without its sub-departments."""
    named = parts(value) if isinstance(value, str) else []
    return DepartmentIds(
        (whole_number(part) for part in named if not part.startswith(ALONE)),
        alone={whole_number(part.removeprefix(ALONE).strip()) for part in named if part.startswith(ALONE)},
    )


DepartmentList = Annotated[DepartmentIds, NoDecode, PlainValidator(departments)]
