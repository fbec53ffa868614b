"""The audit in a DuckLake: its catalog is a schema of Postgres, larger parts of tables are files all machines share.

Several machines read and write it. The password comes from PGPASSWORD or a file of libpq's, as for every program of
Postgres, and the keys of a bucket from AWS_*: no address that is logged or shown has them.
"""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from b24_pipeline.audit.storage.exceptions import LakeNotUsable

EXTENSIONS = ("ducklake", "postgres_scanner")
S3 = "s3://"
WAITS = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""libpq's options, in seconds and at last milliseconds: who is cut off notices it in half a minute, not in fifteen."""
INSTALL = "pip install --no-deps --require-hashes -r deploy/cluster/ducklake.lock"


@dataclass(frozen=True, slots=True)
class Lake:
    """One connection's lake.

    Attributes:
        url: the Postgres database with the catalog, without a password.
        schema: the schema of the catalog; each connection has its own.
        data: the folder that all machines share, or the place in a bucket of S3, for what is too large for the
            catalog.
    """

    url: str
    schema: str
    data: str

    def __str__(self) -> str:
        return f"{self.url} (schema {self.schema})"

    @property
    def address(self) -> str:
        """The database as it is set, with how long it is waited for where it does not say that itself."""
        query = urlsplit(self.url).query
        told = parse_qs(query, keep_blank_values=True)
        waits = urlencode({name: value for name, value in WAITS.items() if name not in told})
        return f"{self.url}{'&' if query else '?'}{waits}" if waits else self.url

    @property
    def is_on_s3(self) -> bool:
        return self.data.startswith(S3)

    def extensions(self) -> list[Path]:
        """Return the files of the DuckDB extensions that it needs, as packages bring them."""
        names = (*EXTENSIONS, "httpfs") if self.is_on_s3 else EXTENSIONS
        specs = [find_spec(f"duckdb_extension_{name}") for name in names]
        places = [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin is not None]
        files = [file for place in places for file in place.rglob("*.duckdb_extension")]
        if len(files) < len(names):
            raise LakeNotUsable(f"The audit in a lake needs DuckDB's extensions: {INSTALL}")
        return files


def s3_options() -> dict[str, str]:
    """Return how S3 is reached, from the variables that all of its programs read."""
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", ""))
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return {
        "key": os.environ.get("AWS_ACCESS_KEY_ID", ""),
        "secret": os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
        "token": os.environ.get("AWS_SESSION_TOKEN", ""),
        "region": region,
        "endpoint": endpoint.netloc or f"s3.{region}.amazonaws.com",
        "tls": str(endpoint.scheme != "http"),
        "style": "path" if endpoint.netloc else "vhost",
    }
