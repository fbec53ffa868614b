"""The step that reads the portal (R13, R16a): complete, or not at all."""

from pandera.typing import DataFrame

from b24_pipeline.bitrix24.errors import FetchNotTrusted
from b24_pipeline.bitrix24.lookup import confirm_deleted
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.importing.run import ImportRun
from b24_pipeline.rules import candidates, frames, responsible
from b24_pipeline.rules.records import Standing


def read_users(run: ImportRun) -> DataFrame[frames.Users]:
    """Every user of the portal, active and dismissed.

    An imported user that the fetch does not hold is looked up directly (R13), so that an id that is not in the result
    is gone for certain.

    Raises:
        FetchNotTrusted: empty, out of order, broken off, without e-mail keys, not as many as the portal counts, or
            without somebody who is there.
        AccountError: the webhook is dead or lacks rights.
    """
    client = run.connection.bitrix24
    known = run.store.snapshot(frames.Users)["bitrix24_id"].tolist()
    users = fetch_users(client, known_ids=known or None).users
    gone = responsible.gone_from_portal(users, ever_linked=run.store.ever_linked(), scope=run.policy.scope)
    missing = gone - known_deleted(run)
    if missing:
        still_there = missing - confirm_deleted(client, missing, witness=int(users["bitrix24_id"].iloc[0]))
        if still_there:
            named = ", ".join(map(str, sorted(still_there)[:5]))
            raise FetchNotTrusted(f"the fetch does not hold users that a direct look-up finds: {named}")
    readmit_candidates(run, users)
    return users


def readmit_candidates(run: ImportRun, users: DataFrame[frames.Users]) -> None:
    """Whoever was forgotten and is a candidate is imported, so they are stored like everybody; the others are not."""
    forgotten = run.store.forgotten().users
    if not forgotten:
        return
    judged = candidates.judge(
        frames.check(frames.Users, users[users["bitrix24_id"].isin(forgotten)]), policy=run.policy
    )
    back = judged.loc[judged["standing"].isin([Standing.CANDIDATE, Standing.REJECTED]), "bitrix24_id"]
    run.store.store_texts_of(frozenset(back.tolist()))


def known_deleted(run: ImportRun) -> frozenset[int]:
    """Users whose deletion an earlier run has confirmed."""
    known = run.store.snapshot(frames.ResponsibleEmployees)
    return frozenset(int(user) for user in known.loc[known["standing"] == responsible.DELETED, "bitrix24_id"])
