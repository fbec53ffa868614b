"""The step that reads the portal (R13, R16a): complete, or not at all."""

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.bitrix24.lookup import look_up
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.rules import completeness, eligibility, responsible_list
from b24_pipeline.rules.models import Eligibility
from b24_pipeline.sync.departments import resolve_scope
from b24_pipeline.sync.run import ImportRun


def read_users(run: ImportRun) -> DataFrame[schemas.Users]:
    """Every user of the portal, active and dismissed.

    An imported user that the fetch does not hold is looked up directly (R13): the run knows then who is deleted for
    certain, and whom the portal's lists leave out (R16a), who is in the result as the look-up found him.

    Raises:
        IncompleteFetchError: empty, out of order, broken off, without e-mail keys, not as many as the portal counts, or
            without many employees who are there.
        AccountError: the webhook is dead or lacks rights.
    """
    resolve_scope(run)
    users = complete_users(run)
    stop_suppressing_candidates(run, users)
    return users


def complete_users(run: ImportRun) -> DataFrame[schemas.Users]:
    """What the fetch holds, and what a look-up adds to it; both once more where too many employees are missing.

    Raises:
        IncompleteFetchError, AccountError: as above.
    """
    missing: list[int] = []
    for _ in range(2):
        listed, unlisted = listed_and_unlisted(run)
        missing = completeness.unexplained(unlisted)
        if not completeness.too_many_unexplained(missing, imported=len(run.store.ever_linked())):
            if missing:
                run.warnings.append(completeness.unexplained_message(missing))
            return together(listed, unlisted)
    raise IncompleteFetchError(f"{completeness.unexplained_message(missing)}; also when read again")


def listed_and_unlisted(run: ImportRun) -> tuple[DataFrame[schemas.Users], DataFrame[schemas.Users]]:
    """The users that the portal lists, and the imported ones that only a direct look-up finds.

    Raises:
        IncompleteFetchError, AccountError: as above.
    """
    client = run.connection.bitrix24
    fetch = fetch_users(client, known_ids=run.store.known_users() or None)
    gone = missing_from_portal(run, fetch.users)
    run.deleted = gone & known_deleted(run)
    to_look_up = gone - run.deleted
    if not to_look_up:
        return fetch.users, schemas.empty_frame(schemas.Users)
    control_user_id = int(fetch.users["bitrix24_id"].iloc[0])
    missing = look_up(client, to_look_up, asked_for=fetch.asked_for, control_user_id=control_user_id)
    run.deleted |= missing.deleted
    return fetch.users, missing.unlisted


def together(listed: DataFrame[schemas.Users], unlisted: DataFrame[schemas.Users]) -> DataFrame[schemas.Users]:
    """All of them, by rising id."""
    if unlisted.empty:
        return listed
    everybody = pd.concat([listed, unlisted]).sort_values("bitrix24_id", ignore_index=True)
    return schemas.check(schemas.Users, everybody)


def missing_from_portal(run: ImportRun, users: pd.DataFrame) -> frozenset[int]:
    """R13: imported users that the fetch does not hold, but for those who were out of scope when last seen (R03)."""
    gone = responsible_list.missing_from_portal(users, ever_linked=run.store.ever_linked())
    if not gone:
        return gone
    return responsible_list.missing_in_scope(gone, last_known=run.store.users_known_last(gone), policy=run.policy)


def stop_suppressing_candidates(run: ImportRun, users: DataFrame[schemas.Users]) -> None:
    """Whoever was forgotten and is a candidate is imported, so they are stored like everybody; the others are not."""
    asked_for_it = users[users["bitrix24_id"].isin(run.store.forgotten().users)]
    if asked_for_it.empty:
        return
    judged = eligibility.evaluate_users(schemas.check(schemas.Users, asked_for_it), policy=run.policy)
    back = judged.loc[judged["eligibility"].isin([Eligibility.CANDIDATE, Eligibility.REJECTED]), "bitrix24_id"]
    run.store.store_texts_of(frozenset(back.tolist()))


def known_deleted(run: ImportRun) -> frozenset[int]:
    """Users whose deletion an earlier run has confirmed."""
    known = run.store.snapshot(schemas.ResponsibleEmployees)
    return frozenset(
        int(user) for user in known.loc[known["employment_status"] == responsible_list.DELETED, "bitrix24_id"]
    )
