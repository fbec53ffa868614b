"""The company that the sandbox ships with."""

from b24_pipeline.sandbox.callgear.behaviour import CallGearBehaviour
from b24_pipeline.sandbox.company.founding import found
from b24_pipeline.sandbox.company.later import later
from b24_pipeline.sandbox.company.ordinary import crowd

RAISED_LIMITS = CallGearBehaviour(minute_limit=600, day_limit=10_000)
"""The company has had its limits raised, so that trying out a first import takes seconds."""

__all__ = ["RAISED_LIMITS", "crowd", "found", "later"]
