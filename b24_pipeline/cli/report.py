"""`b24-pipeline report`: the report as one HTML file."""

from pathlib import Path

from b24_pipeline.audit import Store
from b24_pipeline.audit.report_queries import figures
from b24_pipeline.audit.storage.files import write_private
from b24_pipeline.cli.audit import paths_of
from b24_pipeline.cli.dagster import keep_cache
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.connection import utc_now
from b24_pipeline.reporting.refresh import report_beside
from b24_pipeline.reporting.report import make_report
from b24_pipeline.settings import SettingsError


def report(*, output: str | None, place: Place) -> Exit:
    """Write the report and print its path.

    Raises:
        SettingsError: it cannot be written there.
        StoreError: there is no database yet, or it cannot be read.
    """
    keep_cache()
    paths = paths_of(place)
    target = Path(output) if output else report_beside(paths.published)
    with Store.reader(paths, now=utc_now) as database:
        made = make_report(figures(database, now=utc_now()))
    try:
        write_private(target, made.html)
    except OSError as error:
        raise SettingsError(f"--output: {target} cannot be written ({error.strerror})") from None
    except ValueError:  # `/` has no name
        raise SettingsError(f"--output: {target} is a folder. Example: --output report.html") from None
    print(target.resolve())
    return Exit.DONE
