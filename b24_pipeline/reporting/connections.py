"""The page of all connections: a table, and a link to the report of each."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from b24_pipeline.audit.storage.files import write_private
from b24_pipeline.overview import ConnectionState
from b24_pipeline.reporting.refresh import report_beside
from b24_pipeline.reporting.report import environment
from b24_pipeline.reporting.theme import stylesheet

PAGE = "connections.html"


def write_page(folder: Path, states: Sequence[ConnectionState], *, now: datetime) -> Path:
    """Write the page beside the databases, and return its path.

    Raises:
        OSError: it cannot be written.
    """
    from markupsafe import Markup  # noqa: PLC0415 - takes time that most commands do not have

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    reports = [(state, report_beside(state.database)) for state in states if state.database is not None]
    drawn = [(state, report) for state, report in reports if report.exists()]
    html = (
        environment()
        .get_template(PAGE)
        .render(
            states=states,
            links={state.key: quote(os.path.relpath(report, folder.resolve())) for state, report in drawn},
            failing=[state for state in states if state.is_failing],
            at=now,
            colors=Markup(stylesheet()),  # noqa: S704 - constants
        )
    )
    write_private(folder / PAGE, html)
    return folder / PAGE
