"""A stand-in for Bitrix24 and CallGear on one loopback port, for trying out and for tests.

The import never imports it, and it imports nothing of the import.
"""

from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior
from b24_pipeline.sandbox.callgear.behavior import CallGearBehavior
from b24_pipeline.sandbox.faults import Fault, FaultKind
from b24_pipeline.sandbox.recording import Phase, RequestSeen
from b24_pipeline.sandbox.sandbox import DropRequest, Latency, Sandbox
from b24_pipeline.sandbox.server import Server, serve

__all__ = [
    "Bitrix24Behavior",
    "CallGearBehavior",
    "DropRequest",
    "Fault",
    "FaultKind",
    "Latency",
    "Phase",
    "RequestSeen",
    "Sandbox",
    "Server",
    "serve",
]
