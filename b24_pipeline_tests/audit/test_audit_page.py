"""docs/audit.md says what there is, and its queries run."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from b24_pipeline import schemas
from b24_pipeline.audit import LinkWritten, Paths, Step
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.audit.helpers import NewStore, action, actions, ask, employees, judged, users

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^([^\n]+:)\n\n```sql\n(.+?);\n```$", PAGE, re.DOTALL | re.MULTILINE)
SECTIONS = dict(re.findall(r"^### audit\.(\w+)\n(.+?)(?=^###|\Z)", PAGE, re.DOTALL | re.MULTILINE))
SAME_COLUMNS = {"last_import": "runs"}
DESCRIBED = {
    **HISTORIES,
    schemas.DeadLetters: "dead_letters",
    schemas.Identities: "identities",
    schemas.DuplicateEmployees: "duplicate_employees",
    schemas.PendingCreates: "pending_creates",
}
ENDS = {"links": [("end_reason",), ("ended_by",), ("end_comment",)]}


def columns_in(section: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


@pytest.fixture(scope="module")
def filled(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Two runs: one that links, rejects and holds, and one after CallGear has changed."""
    paths = Paths(tmp_path_factory.mktemp("filled") / "b24_pipeline.duckdb")
    with new_store() as recorder:
        recorder.clock.advance(timedelta(hours=9))
        recorder.begin()
        recorder.store.record_snapshot(schemas.Users, users((1, "Antonova"), (2, "Belov"), departments="4"))
        recorder.store.record_snapshot(schemas.Employees, judged((1, "candidate"), (2, "rejected")))
        recorder.store.record_snapshot(schemas.CallGearEmployees, employees((11, "Antonova"), (12, "Somebody")))
        rejected = {"bitrix24_id": 2, "match_type": "rejected", "reason": "missing_email"}
        recorder.store.record_snapshot(schemas.Matches, schemas.from_records(schemas.Matches, [rejected]))
        recorder.store.put_links([LinkWritten(1, 11, "email")])
        recorder.store.record_open_actions(Step.UPSERT, actions(action(3, "create", "held", risk="create")))
        recorder.store.record_events(actions(action(1, "link", "done", at=recorder.clock.now())))
        recorder.finish(RunStatus.HELD, held=1, linked=1)
        recorder.clock.advance(timedelta(hours=1))
        recorder.run(employees((11, "(bitrix24) Antonova"), (12, "Somebody")))
        recorder.store.publish()
        shutil.copy(recorder.store.paths.published, paths.published)
    return paths


def test_there_are_eleven_queries() -> None:
    assert len(QUERIES) == 11


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_each_query_answers(filled: Paths, title: str, query: str) -> None:
    assert ask(filled, query), title


@pytest.mark.parametrize("table", SECTIONS)
def test_each_table_has_the_columns_that_the_page_says(filled: Paths, table: str) -> None:
    described = ask(filled, f"SELECT column_name FROM (DESCRIBE audit.{table})")
    assert [name for (name,) in described] == list(columns_in(SECTIONS[SAME_COLUMNS.get(table, table)]))


@pytest.mark.parametrize(("model", "table"), DESCRIBED.items())
def test_each_column_means_what_its_declaration_says(model: type[schemas.Frame], table: str) -> None:
    declared = {name: column.description for name, column in model.to_schema().columns.items()}
    described = columns_in(SECTIONS[table])
    assert {name: text for name, text in described.items() if not text.startswith("Old name of ")} == declared


def test_the_page_leaves_nothing_out(filled: Paths) -> None:
    views = ask(filled, "SELECT view_name FROM duckdb_views() WHERE schema_name = 'audit'")
    macros = ask(filled, "SELECT function_name FROM duckdb_functions() WHERE schema_name = 'audit' AND NOT internal")
    assert [name for (name,) in [*views, *macros] if f"audit.{name}" not in PAGE] == []


def test_a_history_has_the_columns_of_its_span_more(filled: Paths) -> None:
    for table in [*HISTORIES.values(), "links"]:
        plain = ask(filled, f"SELECT column_name FROM (DESCRIBE audit.{table})")
        history = ask(filled, f"SELECT column_name FROM (DESCRIBE audit.{table}_history)")
        span = [("valid_from_run",), ("valid_from",), ("valid_to_run",), ("valid_to",)]
        former = [("from_run",), ("from_at",), ("until_run",), ("until_at",)]
        assert sorted(history) == sorted([*plain, *span, *former, *ENDS.get(table, [])])
