"""The company that the sandbox ships with."""

from b24_pipeline.sandbox.callgear.behavior import CallGearBehavior
from b24_pipeline.sandbox.company.generator import person
from b24_pipeline.sandbox.company.seed import populate

RAISED_LIMITS = CallGearBehavior(minute_limit=600, day_limit=10_000)
"""The company has had its limits raised, so that trying out a first import takes seconds."""

__all__ = ["RAISED_LIMITS", "person", "populate"]
