"""The points an answer says are left (contract 3)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from b24_pipeline.callgear.rows import figure_of

MINUTE = 60.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """`metadata.limits`: points, and seconds until each budget resets. Every figure may be missing."""

    minute_limit: float | None = None
    minute_remaining: float | None = None
    minute_reset: float | None = None
    day_limit: float | None = None
    day_remaining: float | None = None
    day_reset: float | None = None

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """The figures in `metadata`, as far as it has any."""
        reported = metadata.get("limits")
        figures = reported if isinstance(reported, dict) else {}
        return cls(**{figure.name: figure_of(figures.get(figure.name)) for figure in fields(cls)})
