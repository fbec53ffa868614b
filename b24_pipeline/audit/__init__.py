"""The audit store: one DuckDB database a connection, with what every run saw and did, kept as changes (R20)."""

from b24_pipeline.audit import actions, approvals, history, links, metadata, runs, suppression
from b24_pipeline.audit.actions import Step
from b24_pipeline.audit.approvals import Approval
from b24_pipeline.audit.links import Approver, LinkWritten
from b24_pipeline.audit.runs import RunCounts, RunStart
from b24_pipeline.audit.storage.database import Database
from b24_pipeline.audit.storage.exceptions import StoreError
from b24_pipeline.audit.storage.files import Paths
from b24_pipeline.audit.store import Store

__all__ = [
    "Approval",
    "Approver",
    "Database",
    "LinkWritten",
    "Paths",
    "RunCounts",
    "RunStart",
    "Step",
    "Store",
    "StoreError",
    "actions",
    "approvals",
    "history",
    "links",
    "metadata",
    "runs",
    "suppression",
]
