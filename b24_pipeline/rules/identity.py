"""R07a: whether the user of a linked id still is the person whom the link was accepted for.

The last accepted name and e-mail of a linked id (`schemas.Identities`) follow the user's as long as it is the same
person. They stand still from the moment another person is seen, so that a stranger is not compared with a stranger.
"""

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.models import ERASED
from b24_pipeline.rules.normalization import email_key, name_key

CHANGED_COUNT, CHANGED_SHARE = 3, 0.05
"""More linked people than this count *and* this share changed at once: another portal answers behind the address."""
GONE_COUNT, GONE_SHARE = 3, 0.5
"""More of the linked people than this count *and* this share deleted at once: another portal answers, too."""
KEYS = {"first_name": name_key, "last_name": name_key, "email": email_key}
"""The normalization of each compared field (R04)."""


def observe(
    employees: DataFrame[schemas.Employees],
    *,
    identities: DataFrame[schemas.Identities],
    deleted: frozenset[int] = frozenset(),
) -> DataFrame[schemas.Identities]:
    """The identities after a fetch: who seems to be another person is marked, the others are followed.

    `identities` are the linked users as they were accepted last, `deleted` those whose deletion is confirmed (R13).
    """
    current = employees[["bitrix24_id", *KEYS]].add_suffix("_now").rename(columns={"bitrix24_id_now": "bitrix24_id"})
    rows = identities.merge(current, on="bitrix24_id", how="left")
    present = rows["bitrix24_id"].isin(employees["bitrix24_id"]).astype(bool)
    differs = [rows[name].fillna("") != rows[f"{name}_now"].fillna("") for name in KEYS]
    differing = rows[present & pd.concat(differs, axis=1).any(axis=1)]
    if differing.empty and not deleted and not rows[["changed", "deleted"]].any(axis=None):
        return identities
    changed = rows["changed"] & ~present
    changed.loc[differing.index] = is_another_person(differing)
    followed = present & ~changed
    gone = (rows["deleted"] | (rows["bitrix24_id"].isin(deleted).astype(bool) & ~changed)) & ~followed
    texts = {name: rows[f"{name}_now"].fillna(rows[name]).where(followed, rows[name]) for name in KEYS}
    return schemas.check(
        schemas.Identities,
        rows.assign(**texts, changed=changed, deleted=gone)[schemas.column_names(schemas.Identities)],
    )


def is_another_person(rows: pd.DataFrame) -> pd.Series:
    """Return whether each row's user is another person than the accepted one.

    First name, last name and e-mail are all others; or the id was deleted and comes back with another last name and
    e-mail. Where everything accepted was erased nothing can be compared: what was decided before stays. A field that
    lost its value does not differ: nothing says that it is somebody else's.
    """
    accepted, returned = rows[list(KEYS)], ["last_name", "email"]
    erased = accepted == ERASED
    known = pd.DataFrame({name: key(accepted[name].mask(erased[name])) for name, key in KEYS.items()})
    now = pd.DataFrame({name: key(rows[f"{name}_now"]) for name, key in KEYS.items()})
    equal = (known == now) & now.notna()
    differs = now.notna() & ~equal & ~erased
    another = ~(equal | erased).any(axis=1) & (differs.sum(axis=1) > 1)
    came_back_as_another = rows["deleted"] & ~equal[returned].any(axis=1) & (differs | erased)[returned].any(axis=1)
    return another | came_back_as_another | (rows["changed"] & erased.any(axis=1))


def is_another_portal(identities: DataFrame[schemas.Identities]) -> bool:
    """R07a: return whether so many linked people are others that another portal must be answering.

    Those who are known already and wait for a decision count too: an accident in small portions is an accident.
    """
    changed = int(identities["changed"].sum())
    return changed > CHANGED_COUNT and changed > CHANGED_SHARE * len(identities)


def newly_deleted(observed: DataFrame[schemas.Identities], *, known: DataFrame[schemas.Identities]) -> pd.Series:
    """Return the ids of the linked users whose deletion (R13) this fetch is the first to confirm."""
    there = known.loc[~known["deleted"], "bitrix24_id"]
    return there[there.isin(observed.loc[observed["deleted"], "bitrix24_id"])]


def are_gone_at_once(deleted: int, *, linked: int) -> bool:
    """R07a: return whether so many of those linked are newly deleted that another portal must be answering."""
    return deleted > GONE_COUNT and deleted > GONE_SHARE * linked
