"""R14: an entry of the responsible list is removed or renamed only under a name of its user."""

import pandas as pd
import pytest

from b24_pipeline.rules import list_names
from b24_pipeline.rules.models import ERASED, ActionKind, ApprovedConflict, ChangeRisk, LinkReview, ListReason
from b24_pipeline_tests.factories import Row, by_user, plan, step

PREFIX = "(bitrix24) "
IRA = {"bitrix24_id": 1, "last_name": "Lebedeva", "first_name": "Ira", "patronymic": "Pavlovna"}
MAIDEN = IRA | {"last_name": "van der  Berg", "patronymic": None}


def names(*rows: Row) -> pd.DataFrame:
    """Known names."""
    return pd.DataFrame(rows, columns=list_names.NAMES).astype(
        {"bitrix24_id": "Int64", **dict.fromkeys(list_names.NAMES[1:], "str")}
    )


def entry(listed: str | None, *, action: ActionKind = ActionKind.REMOVE_RESPONSIBLE) -> Row:
    """What would be done to the entry of user 1."""
    return step(
        1,
        action=action,
        reason="dismissed",
        risk=ChangeRisk.REMOVAL,
        last_name_before=listed,
        display_name="Lebedeva Ira",
    )


def decided(row: Row, *known: Row, review: LinkReview | None = None, prefix: str = PREFIX) -> tuple[object, ...] | None:
    """Outcome, reason and kind of risk of the reviewed row; None where nothing is to be done."""
    found = list_names.review_list_plan(plan(row), names=names(*known), prefix=prefix, review=review or LinkReview())
    return tuple(by_user(found, column)[1] for column in ("outcome", "reason", "risk")) if len(found) else None


def zimin_approved(user: int) -> LinkReview:
    """A person has approved that the entry Zimin under this user's id is removed."""
    shown = (ActionKind.REMOVE_RESPONSIBLE.value, '{"last_name": "Zimin"}')
    return LinkReview(approved=frozenset({ApprovedConflict(ListReason.OTHER_NAME, user, shown=shown)}))


OWN = ("planned", "dismissed", ChangeRisk.REMOVAL)
OTHER = ("conflict", ListReason.OTHER_NAME, None)


@pytest.mark.parametrize(
    "listed",
    [
        "Lebedeva",
        "Lebedeva Ira",
        "ira  LEBEDEVA",
        "Lebedeva, Ira",
        "Ira Pavlovna Lebedeva",
        "(bitrix24) Lebedeva Ira",
        "Ira (bitrix24) Lebedeva",
        "Le\u00adbedeva Ira",
        "van der Berg",
        "Ira van der Berg",
    ],
)
@pytest.mark.parametrize("action", [ActionKind.REMOVE_RESPONSIBLE, ActionKind.RENAME_RESPONSIBLE])
def test_r14_the_last_name_or_the_full_name_in_any_order_now_or_before_is_the_users(
    listed: str, action: ActionKind
) -> None:
    assert decided(entry(listed, action=action), IRA, MAIDEN) == OWN


@pytest.mark.parametrize(
    "listed",
    [
        "Ira",
        "Ira Pavlovna",
        "Lebedeva Anna",
        "Lebedeva Ira Olegovna",
        "Lebedev",
        "Berg",
        "(bitrix24)",
        "",
        None,
        ERASED,
    ],
)
@pytest.mark.parametrize("action", [ActionKind.REMOVE_RESPONSIBLE, ActionKind.RENAME_RESPONSIBLE])
def test_r14_another_name_is_another_sources(listed: str | None, action: ActionKind) -> None:
    assert decided(entry(listed, action=action), IRA, MAIDEN) == OTHER


def test_r14_yo_and_ye_stay_different() -> None:
    assert decided(entry("Королёв"), IRA | {"last_name": "Королев"}) == OTHER


def test_r14_a_name_with_the_prefix_in_bitrix24_is_the_same_without_it() -> None:
    assert decided(entry("Lebedeva Ira"), IRA | {"last_name": "(bitrix24) Lebedeva"}) == OWN
    assert decided(entry("(bitrix24)"), IRA | {"last_name": "(bitrix24)"}) == OWN
    assert decided(entry("(bitrix24) Lebedeva"), IRA, prefix="") == OTHER


@pytest.mark.parametrize("last_name", [None, ERASED])
def test_r14_without_a_known_last_name_every_entry_is_another_sources(last_name: str | None) -> None:
    assert decided(entry(last_name or "Ira"), IRA | {"last_name": last_name}) == OTHER
    assert decided(entry("Lebedeva")) == OTHER


def test_r14_the_names_of_others_do_not_count() -> None:
    assert decided(entry("Zimin"), IRA, IRA | {"bitrix24_id": 2, "last_name": "Zimin"}) == OTHER


def test_r14_an_approved_entry_is_changed_and_says_so() -> None:
    approved = zimin_approved(1)
    assert decided(entry("Zimin"), IRA, review=approved) == (
        "planned",
        ListReason.OTHER_NAME_APPROVED,
        ChangeRisk.REMOVAL,
    )
    assert decided(entry("Lebedeva"), IRA, review=approved) == OWN


def test_r14_r16_an_approval_is_for_the_user_the_entry_and_the_action_that_were_shown() -> None:
    assert decided(entry("Zimin"), IRA, review=zimin_approved(2)) == OTHER
    assert decided(entry("Director"), IRA, review=zimin_approved(1)) == OTHER
    assert decided(entry("Zimin", action=ActionKind.RENAME_RESPONSIBLE), IRA, review=zimin_approved(1)) == OTHER


def test_r15_who_is_put_on_the_list_has_no_entry_of_another_name() -> None:
    assert decided(entry(None, action=ActionKind.LIST_RESPONSIBLE), IRA) == OWN


@pytest.mark.parametrize("listed", ["Lebedeva", "Zimin"])
def test_r07a_nothing_is_done_because_of_who_is_in_doubt(listed: str) -> None:
    doubt = LinkReview(unconfirmed=frozenset({1}))
    assert decided(entry(listed), IRA, review=doubt) == ("conflict", "identity_changed", None)
    for action in (ActionKind.RENAME_RESPONSIBLE, ActionKind.LIST_RESPONSIBLE):
        assert decided(entry(listed, action=action), IRA, review=doubt) is None


def test_an_empty_plan_stays_empty() -> None:
    assert list_names.review_list_plan(plan(), names=names(), prefix=PREFIX).empty
