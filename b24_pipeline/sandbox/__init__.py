"""A stand-in for Bitrix24 and CallGear on one loopback port, for trying out and for tests.

The import never imports it, and it imports nothing of the import.
"""

from b24_pipeline.sandbox.bitrix24.behaviour import Bitrix24Behaviour
from b24_pipeline.sandbox.callgear.behaviour import CallGearBehaviour
from b24_pipeline.sandbox.faults import Fault, FaultKind
from b24_pipeline.sandbox.recording import Phase, RequestSeen
from b24_pipeline.sandbox.sandbox import DropRequest, Latency, Sandbox
from b24_pipeline.sandbox.server import Server, serve

__all__ = [
    "Bitrix24Behaviour",
    "CallGearBehaviour",
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
