"""Locks of files that die with their process; a folder that takes none is said to be one, and never locked softly."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from b24_pipeline.audit.exceptions import LocksNotSupported

NOT_SUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})
"""What systems answer for a lock on a file system that has none, which most often is a network share."""


def file_lock(path: Path, *, wait_seconds: float = 0, is_singleton: bool = False) -> FileLock:
    """A lock of the operating system's.

    A soft lock, which is only a file that is there, would stay behind a process that dies, or be taken for one.
    """
    return FileLock(
        path,
        timeout=wait_seconds,
        thread_local=False,
        is_singleton=is_singleton,
        mode=0o600,
        fallback_to_soft=False,
    )


@contextmanager
def locking(folder: Path) -> Iterator[None]:
    """Say in one line that the folder takes no locks.

    Raises:
        LocksNotSupported: it does not.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        raise LocksNotSupported(
            f"The folder {folder} takes no locks ({error.strerror}), as some network shares do not: move the database "
            "to a disk of this machine, and name the place in B24_PIPELINE_DATABASE."
        ) from None
