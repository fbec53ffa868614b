"""R07a: whether the linked users still are the persons whom the links were accepted for."""

from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError
from b24_pipeline.rules import identity
from b24_pipeline.rules.models import LinkReview
from b24_pipeline.sync.run import RunContext

MOST_NAMED = 10
"""So many ids are named in a message; `audit.identities` has all of them."""


def check_identities(run: RunContext, employees: DataFrame[schemas.Employees]) -> None:
    """Compare the linked users with the persons whom their links were accepted for, and note who has changed.

    Raises:
        IncompleteFetchError: so many changed, or are gone, that another portal must be answering. Nobody is followed
            then.
    """
    known = audit.links.identities(run.store.database)
    if known.empty:
        return
    now = identity.observe(employees, identities=known, deleted=run.outcome.deleted)
    if identity.is_another_portal(now):
        run.store.put_identities(known.assign(changed=now["changed"]))
        raise IncompleteFetchError(another_portal(now, run_id=run.run_id))
    gone, linked = identity.newly_deleted(now, known=known).tolist(), int((~known["deleted"]).sum())
    if identity.are_gone_at_once(len(gone), linked=linked):
        raise IncompleteFetchError(
            f"{len(gone)} of {linked} linked users are gone from the portal at once: another portal seems to answer. "
            "Check the webhook's address and the portal. If it is right and they really were deleted, end their links "
            f"with b24-pipeline unlink {first_ids(sorted(gone))}"
        )
    if not now.equals(known):
        run.store.put_identities(now)


def link_review(run: RunContext) -> LinkReview:
    """Return whose links are in doubt, and what a person has approved."""
    return LinkReview(
        unconfirmed=audit.links.changed_identities(run.store.database),
        approved=run.approval.conflicts if run.approval is not None else frozenset(),
    )


def another_portal(observed: DataFrame[schemas.Identities], *, run_id: str) -> str:
    """Return what is wrong, and what to do about it, in one line."""
    changed = sorted(observed.loc[observed["changed"], "bitrix24_id"].tolist())
    ids = first_ids(changed)
    return (
        f"{len(changed)} of {len(observed)} linked users have another first name, last name and e-mail than before: "
        "another portal seems to answer, or a restored one that uses ids again. Check the webhook's address and the "
        f"portal. If it is right, end the links of strangers with b24-pipeline unlink {ids}, or keep the links of the "
        f"right people with b24-pipeline approve {run_id} --user {ids}"
    )


def first_ids(users: list[int]) -> str:
    """The first of these ids, as they are typed."""
    return " ".join(map(str, users[:MOST_NAMED])) + (" ..." if len(users) > MOST_NAMED else "")
