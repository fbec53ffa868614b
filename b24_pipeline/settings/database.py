"""The database: a file of this machine, or a lake of several; all that is needed to read the audit."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import ValidationInfo, field_validator, model_validator

from b24_pipeline.settings.base import FILE_NAME, PROJECT_DATA, FolderSettings, setting, split_url
from b24_pipeline.settings.connections import DATABASE_FILE

if TYPE_CHECKING:
    from b24_pipeline.audit.storage.files import Paths

ADDRESS = re.compile(r"[a-z][a-z0-9]+://[^/?#\s@:]+(/[^?#\s]*)?")
LOGIN_OR_SIGNATURE = re.compile(r"[^/]+://(?:[^/@]*@|[^?]*\?)")
"""The beginning of an address with one of these; folders may have such characters."""
BUCKET = re.compile(r"s3://[^/?#\s@:]+(/[^?#\s]*)?")


def with_known_protocol(address: str | None) -> str | None:
    """Refuse an address whose protocol, or one that it is chained with, fsspec has never heard of.

    Raises:
        ValueError: fsspec has never heard of its protocol, or of one that it is chained with.
    """
    if address and "://" in address:
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - few need it

        if not set(address.partition("://")[0].split("::")) <= set(fsspec.available_protocols()):
            raise ValueError("has an unknown protocol")
    return address


class DatabaseSettings(FolderSettings):
    """The database and its export: all that is needed to read the audit."""

    database: Path = setting(
        PROJECT_DATA / DATABASE_FILE,
        example="data/b24_pipeline.duckdb",
        description="The DuckDB file to open. The working file lies beside it.",
    )
    lake: str | None = setting(
        None,
        example="postgresql://b24@10.0.0.5:5432/b24_pipeline",
        description="For several machines: the Postgres database of the audit's catalog, without a password"
        " (PGPASSWORD) and not through a pool. The database is then what is published.",
    )
    lake_schema: str = setting(
        "b24_pipeline",
        pattern=r"^[a-z0-9_-]{1,40}$",
        example="acme",
        description="The schema of the catalog; of several connections each has its own, named like its key.",
    )
    lake_data: str | None = setting(
        None,
        example="/srv/b24_lake",
        description="What is too large for the catalog lies here: a folder that all machines share, or s3://bucket/prefix"
        " with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        validate_default=True,
    )
    publish: str | None = setting(
        None,
        example="s3://company-lake/b24_pipeline",
        description="Where the database is uploaded to each time it is published, as `b24_pipeline.duckdb` or, of"
        " several connections, `<key>.duckdb`: the address of an object store that fsspec supports. Empty: nowhere.",
    )
    export: str | None = setting(
        None,
        example="s3://company-lake/b24_pipeline",
        description="Where each import exports the audit as Parquet files, one folder per table: a folder, or the"
        " address of an object store that fsspec supports. Empty: no export.",
    )

    @field_validator("database")
    @classmethod
    def is_file_name(cls, value: Path) -> Path:
        """Refuse a folder; an empty text means the current one."""
        if not FILE_NAME.match(str(value)):
            raise ValueError("must name a local file; ~ and $ are not expanded")
        if os.path.isdir(value):  # noqa: PTH112 - Path.is_dir raises where the folder around it may not be entered
            raise ValueError("must name a file, not a folder")
        return value

    @field_validator("lake")
    @classmethod
    def is_postgres(cls, value: str | None) -> str | None:
        """Require the address of a database without a password, which would be shown and logged."""
        url = split_url(value) if value else None
        if url is not None and (url.scheme not in ("postgresql", "postgres") or not url.path.strip("/")):
            raise ValueError("is not the address of a Postgres database")
        if url is not None and url.password:
            raise ValueError("has a password: put that into PGPASSWORD")
        return value

    @field_validator("lake_data")
    @classmethod
    def is_shared(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Require an absolute path or a bucket where there is a lake."""
        if info.data.get("lake") and not (value and (Path(value).is_absolute() or BUCKET.fullmatch(value))):
            raise ValueError("must be the absolute path of a folder that all machines share, or s3://bucket/prefix")
        return value

    @field_validator("publish")
    @classmethod
    def is_object_store(cls, value: str | None) -> str | None:
        """Require an address: in a folder, a file would be seen while it is written."""
        if value and not ADDRESS.fullmatch(value):
            raise ValueError("must be the address of an object store")
        return with_known_protocol(value)

    @field_validator("export")
    @classmethod
    def has_no_secret(cls, value: str | None) -> str | None:
        """Refuse a login or a signature: where an export fails, the run's reason names the address."""
        if value and LOGIN_OR_SIGNATURE.match(value):
            raise ValueError("has a login or a signature, which would be shown and stored: give it in the environment")
        return with_known_protocol(value)

    @property
    def paths(self) -> "Paths":
        """The files of the database, and the lake in place of the working file where there is one."""
        from b24_pipeline.audit.storage.files import Paths  # noqa: PLC0415 - takes a second
        from b24_pipeline.audit.storage.lake import Lake  # noqa: PLC0415

        lake = Lake(self.lake, self.lake_schema, self.lake_data or "") if self.lake else None
        copy = f"{self.publish.rstrip('/')}/{self.lake_schema}.duckdb" if self.publish else None
        return Paths(self.database, lake, copy)

    @model_validator(mode="after")
    def default_database(self) -> Self:
        """Put the database where the other files are."""
        if "database" not in self.model_fields_set:
            self.database = self.data_folder / DATABASE_FILE
        return self
