"""Connections of Dagster's Postgres storage that are kept: it opens one for each statement, 300 a run.

A plugin of SQLAlchemy's, which the address of the storage names (deploy/cluster/dagster.yaml).
"""

from multiprocessing.connection import wait
from typing import Any

from sqlalchemy import URL, Engine, QueuePool, event
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.exc import DisconnectionError


class KeptConnections(CreateEnginePlugin):
    """Keep one connection an engine, and open it again where the server has closed it meanwhile."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        kwargs["poolclass"] = QueuePool
        kwargs.setdefault("pool_size", 1)
        kwargs.setdefault("max_overflow", -1)

    def update_url(self, url: URL) -> URL:
        """Return the address as the driver takes it."""
        return url.difference_update_query(["plugin"])

    def engine_created(self, engine: Engine) -> None:
        """Ask the server before each use only if it has sent something unasked: mostly, that it closes."""

        @event.listens_for(engine, "checkout")
        def confirm(connection: Any, *_: object) -> None:  # noqa: ANN401 - of the driver
            try:
                if wait([connection], timeout=0):
                    engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error:
                raise DisconnectionError from None
