"""Object stores, as fsspec reaches them; whatever is wrong there is one line."""

import sys
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs  # type: ignore[import-untyped]

from b24_pipeline.audit.storage.exceptions import NotUploaded

OF_S3 = {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 2}}}
"""A bucket that is away must not hold up a run: the defaults wait for minutes."""


def place_of(address: str) -> tuple[Any, str]:
    """Return the file system of an address that fsspec knows, and the path in it."""
    filesystem, path = url_to_fs(address, **(OF_S3 if address.startswith("s3://") else {}))
    return filesystem, path


def upload(file: Path, address: str) -> None:
    """Replace what is at the address by a file, in one step as object stores do."""
    try:
        filesystem, path = place_of(address)
        filesystem.put_file(str(file), path)
    except errors() as error:
        raise NotUploaded(
            f"The database was not published to {address}, where the one before stays: {reason(error)}"
        ) from None


def errors() -> tuple[type[Exception], ...]:
    """Return what is raised where an address cannot be used; those of S3's packages once they are loaded."""
    s3 = sys.modules.get("botocore.exceptions")
    return (OSError, ValueError, ImportError, NotImplementedError, *([s3.BotoCoreError] if s3 else []))


def reason(error: Exception) -> str:
    """Return one line about the failure; an object store's own text names the bucket and what it refuses."""
    if isinstance(error, NotImplementedError):
        return "such an address cannot be written to, only read."
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = text.strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".") + "."
