"""Object stores, as fsspec reaches them; whatever is wrong there is one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs  # type: ignore[import-untyped]

from b24_pipeline.audit.storage.exceptions import NotUploaded, StoreError

OF_S3 = {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 2}}}
"""A bucket that is away must not hold up a run: the defaults wait for minutes."""


def place_of(address: str) -> tuple[Any, str]:
    """Return the file system of an address that fsspec knows, and the path in it."""
    filesystem, path = url_to_fs(address, **(OF_S3 if address.startswith("s3://") else {}))
    return filesystem, path


def upload(file: Path, address: str) -> None:
    """Replace what is at the address by a file, in one step as object stores do.

    Raises:
        NotUploaded: the address cannot be written to.
    """
    with translated(NotUploaded, f"The database was not published to {address}, where the one before stays"):
        filesystem, path = place_of(address)
        filesystem.put_file(str(file), path)


@contextmanager
def translated(kind: type[StoreError], problem: str) -> Iterator[None]:
    """Say in one line why an address cannot be used; an object store's own text names the bucket and the refusal."""
    try:
        yield
    except NotImplementedError:
        raise kind(f"{problem}: such an address cannot be written to, only read.") from None
    except _errors() as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        lines = text.strip().splitlines() or [type(error).__name__]
        raise kind(f"{problem}: {lines[0].rstrip('.')}.") from None


def _errors() -> tuple[type[Exception], ...]:
    """Return what is raised where an address cannot be used; those of S3's packages once they are loaded."""
    s3 = sys.modules.get("botocore.exceptions")
    return (OSError, ValueError, ImportError, *([s3.BotoCoreError] if s3 else []))
