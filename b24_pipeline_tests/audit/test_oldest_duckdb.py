"""The published file opens with the oldest DuckDB that docs/audit.md promises, and everything in it can be asked."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from b24_pipeline import audit
from b24_pipeline.audit import Paths, Store
from b24_pipeline_tests.audit.helpers import Recorder, users
from b24_pipeline_tests.audit.test_audit_page import PAGE, QUERIES, filled  # noqa: F401 - a fixture
from b24_pipeline_tests.audit.test_migrations import make_third_layout

OLDEST = Path(sys.prefix) / "oldest-duckdb"
ASK = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
names = connection.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'audit'").fetchall()
macros = connection.execute(
    "SELECT function_name FROM duckdb_functions() WHERE schema_name = 'audit' AND function_type = 'table_macro'"
).fetchall()
asked = [f"SELECT * FROM audit.{name}" for (name,) in names]
asked += [f"SELECT * FROM audit.{name}('2026-01-02')" for (name,) in macros]
for query in asked + json.loads(sys.stdin.read()):
    connection.execute(query).fetchall()
print(json.dumps([duckdb.__version__, len(asked)]))
"""


@pytest.mark.skipif(not (OLDEST / "duckdb").exists(), reason="`make test` installs DuckDB 1.1 where it has a package")
def test_the_oldest_promised_duckdb_opens_the_published_file(filled: Paths) -> None:  # noqa: F811
    found = subprocess.run(
        [sys.executable, "-c", ASK, str(filled.published)],
        env={**os.environ, "PYTHONPATH": str(OLDEST)},
        input=json.dumps([query for _, query in QUERIES]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    version, asked = json.loads(found.stdout)
    promised = re.search(r"DuckDB (\d+\.\d+) or newer", PAGE)
    assert promised
    assert version.startswith(f"{promised.group(1)}.0")
    assert asked > 20


def test_a_file_of_a_newer_storage_format_is_rewritten_when_it_is_upgraded(recorder: Recorder, paths: Paths) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.store.close()
    make_third_layout(paths)
    rewrite_with_format(paths.working, "v1.5.0")
    Store.open(paths, now=recorder.clock.now).close()
    assert format_of(paths.working) == "v1.0.0+"
    with Store.reader(paths, now=recorder.clock.now) as database:
        assert len(audit.links.live_links(database)) == 0
        assert audit.history.known_users(database) == [1]


def rewrite_with_format(path: Path, storage_format: str) -> None:
    """As a former version of this program wrote it."""
    copy = path.with_suffix(".copy")
    with duckdb.connect(path) as database:
        database.execute(f"ATTACH '{copy}' AS copy (STORAGE_VERSION '{storage_format}')")
        database.execute("COPY FROM DATABASE b24_pipeline TO copy")
    copy.replace(path)
    assert format_of(path) == f"{storage_format}+"


def format_of(path: Path) -> str:
    with duckdb.connect(path, read_only=True) as database:
        found = database.execute("SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal")
        (answer,) = found.fetchall()
    return str(answer[0])
