"""The step that reads the portal (R13, R16a): complete, or not at all."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.bitrix24.departments import Department, fetch_departments
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.lookup import look_up
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.rules import completeness, eligibility, responsible_list
from b24_pipeline.rules.eligibility import with_those_below
from b24_pipeline.rules.models import Eligibility
from b24_pipeline.settings.imports import DepartmentIds
from b24_pipeline.sync.run import RunContext


def read_users(run: RunContext) -> DataFrame[schemas.Users]:
    """Every user of the portal, active and dismissed.

    An imported user that the fetch does not hold is looked up directly (R13): the run knows then who is deleted for
    certain, and whom the portal's lists leave out (R16a), who is in the result as the look-up found him. Erased people
    who are candidates are imported, so they are stored like everybody; the others are not.

    Raises:
        IncompleteFetchError: empty, out of order, broken off, without e-mail keys, not as many as the portal counts, or
            without many employees who are there.
        AccountError: the webhook is dead or lacks rights.
    """
    resolve_scope(run)
    users = complete_users(run)
    erased = users[users["bitrix24_id"].isin(audit.suppression.erased_people(run.store.database).users)]
    if len(erased):
        judged = eligibility.evaluate_users(erased, policy=run.policy)
        back = judged.loc[judged["eligibility"].isin([Eligibility.CANDIDATE, Eligibility.REJECTED]), "bitrix24_id"]
        run.store.store_texts_of(frozenset(back.tolist()))
    return users


def complete_users(run: RunContext) -> DataFrame[schemas.Users]:
    """Return what the fetch holds, and what a look-up adds to it, by rising id.

    Where too many employees are missing, both are done once more.

    Raises:
        IncompleteFetchError, AccountError: as above.
    """
    missing: list[int] = []
    for _ in range(2):
        listed, unlisted = listed_and_unlisted(run)
        missing = completeness.unexplained(unlisted)
        if not completeness.too_many_unexplained(missing, imported=len(audit.links.ever_linked(run.store.database))):
            if missing:
                run.outcome.warnings.append(completeness.unexplained_message(missing))
            if unlisted.empty:
                return listed
            users = schemas.concat(schemas.Users, listed, unlisted)
            return schemas.check(schemas.Users, users.sort_values("bitrix24_id"))
    raise IncompleteFetchError(f"{completeness.unexplained_message(missing)}; also when read again")


def listed_and_unlisted(run: RunContext) -> tuple[DataFrame[schemas.Users], DataFrame[schemas.Users]]:
    """The users that the portal lists, and the imported ones that only a direct look-up finds.

    Every run looks up whoever is missing: who was nowhere once may be back, and lists leave them out.

    Raises:
        IncompleteFetchError, AccountError: as above.
    """
    client = run.connection.bitrix24
    fetch = fetch_users(client, known_ids=audit.history.known_users(run.store.database) or None)
    to_look_up = missing_from_portal(run, fetch.users)
    if not to_look_up:
        run.outcome.deleted = frozenset()
        return fetch.users, schemas.empty_frame(schemas.Users)
    control_user_id = int(fetch.users["bitrix24_id"].iloc[0])
    missing = look_up(client, to_look_up, asked_for=fetch.asked_for, control_user_id=control_user_id)
    run.outcome.deleted = in_scope(run, missing.deleted)
    return fetch.users, missing.unlisted


def missing_from_portal(run: RunContext, users: pd.DataFrame) -> frozenset[int]:
    """R13: imported users whom these do not hold."""
    return responsible_list.missing_from_portal(users, ever_linked=audit.links.ever_linked(run.store.database))


def in_scope(run: RunContext, gone: frozenset[int]) -> frozenset[int]:
    """R03: the gone users but for those who were out of scope when last seen."""
    if not gone:
        return gone
    return responsible_list.missing_in_scope(
        gone, last_known=audit.history.users_known_last(run.store.database, gone), policy=run.policy
    )


def resolve_scope(run: RunContext) -> None:
    """Let the run's scope cover the departments below the chosen ones, and note in the audit which those are (R20).

    The portal is asked only where the settings name a department that stands for those below it.

    Raises:
        IncompleteFetchError: what was read cannot be all departments; using it could change the scope.
        Bitrix24Error: they cannot be read.
    """
    included = run.connection.settings.include_departments
    excluded = run.connection.settings.exclude_departments
    if run.outcome.scope is not None or not (included or excluded):
        return
    known: Mapping[int, Department] = {}
    if included.with_those_below or excluded.with_those_below:
        known = fetch_departments(run.connection.bitrix24)
        if missing := sorted((included | excluded) - known.keys()):
            named = ", ".join(map(str, missing))
            run.outcome.warnings.append(f"the portal has no department {named}, which the settings name")
    run.outcome.scope = replace(
        run.policy.scope,
        include_departments=expanded(included, known),
        exclude_departments=expanded(excluded, known),
    )
    audit.runs.record_policy(run.store.database, run.store.run, run.config.as_json(scope=run.outcome.scope))


def expanded(chosen: DepartmentIds, known: Mapping[int, Department]) -> frozenset[int]:
    """The ids of all departments that a setting stands for."""
    parents = {number: department.parent for number, department in known.items()}
    return chosen.alone | with_those_below(chosen.with_those_below, parents=parents)
