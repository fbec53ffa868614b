"""The audit store: one DuckDB database a connection, with what every run saw and did, kept as changes (R20)."""

from b24_pipeline.store.actions import Step
from b24_pipeline.store.approvals import Approval, Approver
from b24_pipeline.store.errors import StoreError
from b24_pipeline.store.links import LinkWritten
from b24_pipeline.store.paths import Paths
from b24_pipeline.store.reader import Reader
from b24_pipeline.store.runs import RunCounts, RunStart
from b24_pipeline.store.store import Store

__all__ = [
    "Approval",
    "Approver",
    "LinkWritten",
    "Paths",
    "Reader",
    "RunCounts",
    "RunStart",
    "Step",
    "Store",
    "StoreError",
]
