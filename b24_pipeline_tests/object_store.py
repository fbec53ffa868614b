"""A real S3 server on loopback."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import boto3
import httpx
import s3fs

from b24_pipeline_tests.processes import START_SECONDS, free_port, is_listening, started, wait_for

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "a-secret-of-s3", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Moto, until the block ends; gives the variables by which it is reached."""
    port = free_port()
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    with (
        NamedTemporaryFile() as log,
        started(*command, log=Path(log.name), env={**os.environ, **KEYS}) as process,
    ):
        what = "the S3 server to take connections"
        wait_for(what, lambda: is_listening(port), seconds=START_SECONDS, process=process)
        yield KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


def refuse_strangers(variables: dict[str, str]) -> dict[str, str]:
    """Let the server look at keys from now on; gives those of somebody who may do nothing."""
    access = {"aws_access_key_id": variables["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "unused"}
    iam = boto3.client("iam", endpoint_url=variables["AWS_ENDPOINT_URL"], region_name="us-east-1", **access)
    name = secrets.token_hex(4)
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    httpx.post(f"{variables['AWS_ENDPOINT_URL']}/moto-api/reset-auth", content="0").raise_for_status()
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def let_everybody_in(variables: dict[str, str]) -> None:
    """Let the server take any key again."""
    httpx.post(f"{variables['AWS_ENDPOINT_URL']}/moto-api/reset-auth", content="inf").raise_for_status()


def bucket_of(variables: dict[str, str]) -> Any:
    """A client of the server, that looks anew each time."""
    key, secret = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
    place = variables["AWS_ENDPOINT_URL"]
    return s3fs.S3FileSystem(endpoint_url=place, key=key, secret=secret, use_listings_cache=False)
