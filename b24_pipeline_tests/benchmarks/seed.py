"""Two systems in which everybody is imported already: what a quiet run finds."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Paths, RunCounts, RunStart, Store
from b24_pipeline.bitrix24.parsing import user_row, users_frame
from b24_pipeline.rules import eligibility
from b24_pipeline.rules.models import Eligibility, Policy, RunStatus, Trigger
from b24_pipeline.sandbox import Sandbox
from b24_pipeline_tests.benchmarks.processes import PROJECT

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def people(sandbox: Sandbox) -> pd.DataFrame:
    """The portal's users as the rules judge them."""
    users = users_frame(user_row(user) for user in sandbox.portal.users.values())
    return eligibility.evaluate_users(users, policy=Policy())


def fill_account(sandbox: Sandbox) -> dict[int, int]:
    """Put every candidate into the account as an import leaves them; gives the links."""
    judged = people(sandbox)
    candidates_only = judged[judged["eligibility"] == Eligibility.CANDIDATE].astype(object)
    rows = candidates_only.where(candidates_only.notna(), None).to_dict("records")
    return {
        int(row["bitrix24_id"]): sandbox.account.add_employee(
            first_name=row["first_name"],
            last_name=row["callgear_last_name"],
            patronymic=row["patronymic"],
            email=row["email"],
            phone_numbers=(row["phones"] or "").split(",") if row["phones"] else (),
        )
        for row in rows
    }


def project_folder(folder: Path) -> Path:
    """A folder in which runs find the project's own Dagster settings, and a history of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / "dagster.yaml", folder)
    return folder


def store_links(database: Path, links: dict[int, int]) -> None:
    """A database of one run, in which everybody was linked."""
    with Store.open(Paths(database), now=lambda: BEFORE) as store:
        audit.metadata.bind(store.database, portal_host="127.0.0.1", callgear_host="127.0.0.1")
        store.begin_run(RunStart("first-import", BEFORE, Trigger.CLI))
        store.put_links([LinkWritten(user, employee, linked_by="email") for user, employee in links.items()])
        store.finish_run(RunStatus.DONE, None, RunCounts())
        store.publish()


def account_frame(sandbox: Sandbox) -> DataFrame[schemas.CallGearEmployees]:
    """The account's employees as the import reads them."""
    rows = [
        {"callgear_id": employee["id"], "phone_numbers": "[]"}
        | {name: employee[name] for name in ("first_name", "last_name", "patronymic", "email")}
        for employee in sandbox.account.employees.values()
    ]
    return schemas.from_records(schemas.CallGearEmployees, rows)
