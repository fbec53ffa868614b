"""Prints what Postgres and pgbouncer are to keep of DAGSTER_PG_PASSWORD.

Dagster opens a connection for each statement, about 300 a run, and proves its password each time. With the secret that
Postgres itself makes, a proof hashes 4,096 times and takes two milliseconds of processor time. That protects passwords
that can be guessed; a random one of 128 bits cannot.
"""

import hashlib
import hmac
import os
import secrets
import sys
from base64 import b64encode

NAME = "DAGSTER_PG_PASSWORD"
CHARACTERS = 32


def secret_of(password: str) -> str:
    """Return the secret as Postgres writes it (RFC 5802)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations := 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    keys = ":".join(b64encode(key).decode() for key in (stored, server))
    return f"SCRAM-SHA-256${iterations}:{b64encode(salt).decode()}${keys}"


if __name__ == "__main__":
    given = os.environ.get(NAME, "")
    if len(given) < CHARACTERS:
        sys.exit(f"{NAME}: must be random, with at least {CHARACTERS} characters. Example: openssl rand -hex 16")
    sys.stdout.write(f"{secret_of(given)}\n")
