"""The portal changes while it is read: no live user is lost, nobody is there twice (R13, R16a, contract 5)."""

import random
from collections.abc import Callable

import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.bitrix24.users import fetch_users
from b24_pipeline.sandbox import Bitrix24Behavior, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import DismissedUsers
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline_tests.bitrix24.conftest import hire

COUNT = 230
Change = Callable[[Portal], object]


def delete(*ids: int) -> Change:
    return lambda portal: [portal.delete(number) for number in ids]


def dismiss(*ids: int) -> Change:
    return lambda portal: [portal.dismiss(number) for number in ids]


CHANGES: dict[str, Change] = {
    "three of the first page are deleted": delete(2, 3, 4),
    "three of the first page are dismissed": dismiss(2, 3, 4),
    "one is reinstated": lambda portal: portal.reinstate(100),
    "the highest is deleted": delete(COUNT),
    "the last of a page is deleted": delete(100),
    "one is hired": lambda portal: portal.hire(EMAIL="new@x.test"),
    "one is hired and one deleted": lambda portal: (portal.hire(EMAIL="new@x.test"), portal.delete(60)),
}


def at_page(sandbox: Sandbox, page: int, change: Change) -> None:
    """Let the change happen before the given page is read."""

    def hook(ordinal: int) -> None:
        if ordinal == page:
            change(sandbox.portal)

    sandbox.portal.on_page = hook


@pytest.mark.sampled(2)
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("page", [1, 4, 5, 8, 10])
@pytest.mark.parametrize("change", CHANGES)
def test_r13_no_live_user_is_lost_when_others_change_meanwhile(
    client: Bitrix24, sandbox: Sandbox, change: str, page: int, known: bool
) -> None:
    hire(sandbox, range(1, COUNT + 1))
    sandbox.portal.dismiss(100)
    there_before = set(sandbox.portal.users)
    at_page(sandbox, page, CHANGES[change])
    fetch = fetch_users(client, known_ids=sorted(there_before) if known else None)
    assert fetch.users["bitrix24_id"].is_unique
    assert there_before & set(sandbox.portal.users) <= set(fetch.users["bitrix24_id"])


@pytest.mark.parametrize("seed", range(25))
def test_r13_no_live_user_is_lost_when_anything_happens_at_any_time(
    client: Bitrix24, sandbox: Sandbox, seed: int
) -> None:
    chance = random.Random(seed)
    hidden = chance.random() < 0.5
    sandbox.bitrix24 = Bitrix24Behavior(
        dismissed=DismissedUsers.HIDDEN_BY_DEFAULT if hidden else DismissedUsers.INCLUDED
    )
    hire(sandbox, chance.sample(range(1, 900), k=300))
    for number in chance.sample(sorted(sandbox.portal.users), k=40):
        sandbox.portal.dismiss(number)
    there_before = set(sandbox.portal.users)
    left = 4

    def change(_: int) -> None:
        nonlocal left
        if not left or chance.random() > 0.3:
            return
        left -= 1
        number = chance.choice(sorted(sandbox.portal.users))
        chance.choice(
            [
                sandbox.portal.delete,
                sandbox.portal.dismiss,
                sandbox.portal.reinstate,
                lambda _: hire(sandbox, [sandbox.portal.last_id + 1]),
            ]
        )(number)

    sandbox.portal.on_page = change
    known = sorted(there_before) if chance.random() < 0.5 else None
    fetch = fetch_users(client, known_ids=known)
    assert fetch.users["bitrix24_id"].is_unique
    assert there_before & set(sandbox.portal.users) <= set(fetch.users["bitrix24_id"])


def test_r13_a_user_reinstated_between_the_two_passes_is_found(client: Bitrix24, sandbox: Sandbox) -> None:
    """Hidden dismissed users are read in a second pass: who comes back in between is in neither."""
    sandbox.bitrix24 = Bitrix24Behavior(dismissed=DismissedUsers.HIDDEN_BY_DEFAULT)
    hire(sandbox, range(1, 61))
    sandbox.portal.dismiss(30)
    at_page(sandbox, 3 + 3 + 1, lambda portal: portal.reinstate(30))
    fetch = fetch_users(client, known_ids=range(1, 61))
    assert fetch.users["bitrix24_id"].tolist() == list(range(1, 61))
    assert fetch.users["active"].all()


def test_an_undisturbed_count_takes_no_second_look(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, COUNT + 1))
    at_page(sandbox, 5, CHANGES["one is hired"])
    fetch = fetch_users(client, known_ids=range(1, COUNT + 1))
    assert (fetch.requests, fetch.portal_count) == (1, COUNT)


def test_a_count_that_a_deletion_explains_is_asked_for_once_more(client: Bitrix24, sandbox: Sandbox) -> None:
    hire(sandbox, range(1, COUNT + 1))
    at_page(sandbox, 5, CHANGES["the highest is deleted"])
    fetch = fetch_users(client, known_ids=range(1, COUNT + 1))
    assert (fetch.requests, len(fetch.users)) == (2, COUNT - 1)
