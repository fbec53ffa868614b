"""Connections of Dagster's Postgres storage that are kept: it opens one for each statement, 300 a run.

A plugin of SQLAlchemy's, which the address of the storage names (deploy/cluster/dagster.yaml).
"""

from typing import Any

from sqlalchemy import URL, QueuePool
from sqlalchemy.engine import CreateEnginePlugin


class KeptConnections(CreateEnginePlugin):
    """Keep one connection an engine, and open it again where the server has closed it meanwhile."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        kwargs |= {"poolclass": QueuePool, "pool_pre_ping": True}
        kwargs.setdefault("pool_size", 1)
        kwargs.setdefault("max_overflow", -1)

    def update_url(self, url: URL) -> URL:
        """Return the address as the driver takes it."""
        return url.difference_update_query(["plugin"])
