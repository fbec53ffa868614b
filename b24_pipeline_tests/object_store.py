"""A real S3 server on loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import s3fs

from b24_pipeline_tests.e2e.desk import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "a-secret-of-s3", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Moto, until the block ends; gives the variables by which it is reached."""
    port = str(free_port())
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", port]
    with subprocess.Popen(command, env={**os.environ, **KEYS}, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr
            assert any("Running on" in line for line in server.stderr)
            yield KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        finally:
            server.terminate()


def bucket_of(variables: dict[str, str]) -> Any:
    """A client of the server."""
    key, secret = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
    return s3fs.S3FileSystem(endpoint_url=variables["AWS_ENDPOINT_URL"], key=key, secret=secret)
