"""The audit as Parquet: one folder a table, in a folder or in an object store."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from b24_pipeline.audit import Paths, Store
from b24_pipeline.audit.export import export
from b24_pipeline.audit.storage.exceptions import ExportFailed
from b24_pipeline.cli import main
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.settings import SettingsError, database_settings
from b24_pipeline_tests.audit.helpers import Recorder, users
from b24_pipeline_tests.audit.test_audit_page import SAME_COLUMNS, SECTIONS, columns_in
from b24_pipeline_tests.cli.test_processes import COMMAND
from b24_pipeline_tests.harness import STEPS, World
from b24_pipeline_tests.object_store import bucket_of, let_everybody_in, refuse_strangers, s3_server


def columns_of(folder: Path, table: str) -> list[str]:
    return list(parquet.read_schema(folder / table / f"{table}.parquet").names)


def test_each_table_is_a_folder_with_the_columns_of_the_page(recorder: Recorder, tmp_path: Path) -> None:
    recorder.run(users((1, "Antonova")))
    rows = export(recorder.store.database, str(tmp_path))
    assert {folder.name for folder in tmp_path.iterdir()} - {"data"} == set(rows)
    assert rows["bitrix24_users"] == 1
    for table in SECTIONS:
        assert columns_of(tmp_path, table) == list(columns_in(SECTIONS[SAME_COLUMNS.get(table, table)])), table


def test_columns_have_the_same_types_with_and_without_rows(recorder: Recorder, tmp_path: Path) -> None:
    export(recorder.store.database, str(tmp_path / "empty"))
    recorder.run(users((1, "Antonova")))
    rows = export(recorder.store.database, str(tmp_path / "filled"))
    for table in rows:
        empty, filled = (tmp_path / name / table / f"{table}.parquet" for name in ("empty", "filled"))
        assert parquet.read_schema(empty).equals(parquet.read_schema(filled))


def test_a_later_export_replaces_the_earlier_one(recorder: Recorder, tmp_path: Path) -> None:
    recorder.run(users((1, "Antonova")))
    export(recorder.store.database, str(tmp_path))
    recorder.run(users((1, "Antonova"), (2, "Belova")))
    export(recorder.store.database, str(tmp_path))
    (file,) = (tmp_path / "bitrix24_users").iterdir()
    assert parquet.read_table(file)["last_name"].to_pylist() == ["Antonova", "Belova"]


@pytest.mark.parametrize(
    "address", ["/proc/nothing/here", "unheard://of/it", "gs://needs-a-package/x", "https://x.test/y"]
)
def test_an_address_that_cannot_be_written_to_is_one_line(recorder: Recorder, address: str) -> None:
    with pytest.raises(ExportFailed, match=rf"^The audit cannot be exported to {re.escape(address)}: [^\n]+\.$"):
        export(recorder.store.database, address)


def test_the_command_says_what_it_wrote(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.hire("Anna")
    world.import_people()
    assert main(["export", str(tmp_path / "lake")]) == 0
    assert re.fullmatch(r"Exported \d\d tables with \d+ rows to .+/lake\.\n", capsys.readouterr().out)
    assert parquet.read_table(tmp_path / "lake" / "people").num_rows == 1


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """The variables that lead to a real S3 server of this machine."""
    with s3_server() as variables:
        yield variables


BUCKET = "s3://lake/audit"
MISTYPED = "s3://laek/audit"
FILES = "lake/audit/**/*.parquet"
WRONG_KEY, WRONG_SECRET = {"AWS_ACCESS_KEY_ID": "wrong"}, {"AWS_SECRET_ACCESS_KEY": "wrong"}


def typed(world: World, address: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`b24-pipeline export`, with the keys of a bucket."""
    environment = {**os.environ, **world.environment(), **variables}
    return subprocess.run([*COMMAND, "export", address], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def exported(s3: dict[str, str], world: World) -> Iterator[World]:
    """Imported people, of whom there is an export in the bucket."""
    bucket_of(s3).makedirs("lake", exist_ok=True)
    world.hire("Anna")
    world.import_people()
    assert typed(world, BUCKET, **s3).returncode == 0
    yield world
    let_everybody_in(s3)


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "wrong", "reason"),
    [
        (BUCKET, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, 'Could not connect to the endpoint URL: "http://127.0'),
        (MISTYPED, {}, "The specified bucket does not exist."),
        (BUCKET, None, "Access Denied."),
        (BUCKET, WRONG_KEY, "The AWS Access Key Id you provided does not exist in our records."),
        (BUCKET, WRONG_SECRET, "The request signature we calculated does not match the signature you provided."),
    ],
)
def test_a_bucket_that_cannot_be_written_is_one_line_and_what_was_exported_stays(
    s3: dict[str, str], exported: World, address: str, wrong: dict[str, str] | None, reason: str
) -> None:
    bucket = bucket_of(s3)
    before = {file: bucket.cat_file(file) for file in bucket.glob(FILES)}
    keys = refuse_strangers(s3) if wrong in (None, WRONG_KEY, WRONG_SECRET) else {}

    found = typed(exported, address, **(s3 | keys | (wrong or {})))

    assert (found.returncode, found.stdout) == (Exit.FAILED, "")
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"b24-pipeline: The audit cannot be exported to {address}: {reason}")
    let_everybody_in(s3)
    assert {file: bucket.cat_file(file) for file in bucket.glob(FILES)} == before
    assert bucket.ls("") == ["lake"]


@pytest.mark.long
def test_an_import_exports_to_s3_where_that_is_set(s3: dict[str, str], world: World) -> None:
    bucket = bucket_of(s3)
    bucket.makedirs("lake", exist_ok=True)
    world.hire("Anna")
    environment = {**os.environ, **s3, **world.environment()}
    found = subprocess.run(
        [*COMMAND, "sync"],
        env={
            **environment,
            "B24_PIPELINE_EXPORT": "s3://lake/audit",
            "DAGSTER_HOME": str(world.paths.published.parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    with bucket.open("lake/audit/last_import/last_import.parquet") as file:
        (row,) = parquet.read_table(file).to_pylist()
    assert (row["status"], row["created"]) == ("done", 1)


def test_the_database_can_be_read_while_it_is_exported(recorder: Recorder, paths: Paths, tmp_path: Path) -> None:
    recorder.run(users((1, "Antonova")))
    recorder.store.publish()
    with Store.reader(paths, now=recorder.clock.now) as database:
        assert export(database, str(tmp_path / "lake"))["runs"] == 1


def test_an_export_that_fails_is_said_and_fails_no_import(imported: World) -> None:
    imported.set(B24_PIPELINE_EXPORT="https://x.test/y")

    result = imported.run(assets=(*STEPS, "audit_export"))

    assert (result.success, result.status) == (True, "done")
    assert result.reason == (
        "The audit cannot be exported to https://x.test/y: such an address cannot be written to, only read."
    )


@pytest.mark.parametrize("address", ["ftp://clerk:word@x.test/y", "s3://key@lake/y", "https://x.test/y?sig=word"])
def test_an_address_with_a_secret_is_refused(world: World, address: str) -> None:
    world.set(B24_PIPELINE_EXPORT=address)
    with pytest.raises(SettingsError, match=r"^B24_PIPELINE_EXPORT: has a login or a signature") as refused:
        database_settings()
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["warehouse?", "s3://lake/a@b", "sftp://x.test:22/y", "file:///srv/y", "simplecache::s3://lake/a"]
)
def test_an_address_without_a_secret_is_taken(world: World, address: str) -> None:
    world.set(B24_PIPELINE_EXPORT=address)
    assert database_settings().export == address


def test_without_an_address_the_asset_says_that_it_was_skipped(imported: World) -> None:
    assert imported.run(assets=["audit_export"]).metadata("audit_export") == {
        "skipped": "B24_PIPELINE_EXPORT is not set"
    }
