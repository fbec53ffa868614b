"""What tells that something was stored in databases, without opening them."""

from collections.abc import Iterable
from contextlib import closing

from b24_pipeline.audit.storage.advisory_lock import Session
from b24_pipeline.audit.storage.exceptions import LakeNotUsable, LockLost
from b24_pipeline.audit.storage.files import Paths, wal_of
from b24_pipeline.audit.storage.lake import Lake
from b24_pipeline.file_stamp import stamp

ChangeMark = object
"""Equal to the one before as long as nothing was stored."""


def change_marks(databases: Iterable[Paths]) -> dict[Paths, ChangeMark]:
    """Return what changes when something is stored in a database, on whichever machine.

    Each Postgres is asked once for all of its lakes; where it does not answer, all of them may have changed.
    """
    marks: dict[Paths, ChangeMark] = {}
    lakes: dict[str, dict[Paths, Lake]] = {}
    for paths in databases:
        if paths.lake is None:
            marks[paths] = tuple(map(stamp, (paths.working, wal_of(paths.working), paths.published)))
        else:
            lakes.setdefault(paths.lake.url, {})[paths] = paths.lake
    for of_one_server in lakes.values():
        first, schemas = next(iter(of_one_server.values())), [lake.schema for lake in of_one_server.values()]
        try:
            with closing(Session(first, name="b24-pipeline looks for changes")) as session:
                newest = dict(session.ask("newest_snapshots", schemas=schemas))  # every commit makes one
        except (LakeNotUsable, LockLost):
            newest = {schema: object() for schema in schemas}
        marks |= {paths: newest.get(lake.schema) for paths, lake in of_one_server.items()}
    return marks
