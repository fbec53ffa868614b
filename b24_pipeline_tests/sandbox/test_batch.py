from typing import Any

import pytest

from b24_pipeline.sandbox import Bitrix24Behavior, Sandbox
from b24_pipeline.sandbox.bitrix24.behavior import (
    TextInIdFilter,
    UnresolvedReference,
)
from b24_pipeline_tests.sandbox.clients import NOON, Portal, Turn

REST = "&sort=ID&order=ASC&start=-1&select[]=ID"


@pytest.fixture
def people(sandbox: Sandbox) -> Sandbox:
    for number in range(130):
        sandbox.portal.hire(NAME=f"N{number}")
    return sandbox


def chain(length: int) -> dict[str, str]:
    """A keyset chain of references."""
    lasts = ["0", *(f"$result[p{number:02}][49][ID]" for number in range(length - 1))]
    return {f"p{number:02}": f"user.get?filter[>ID]={last}{REST}" for number, last in enumerate(lasts)}


def ids(rows: list[dict[str, str]]) -> list[int]:
    return [int(row["ID"]) for row in rows]


@pytest.mark.usefixtures("people")
def test_a_keyset_chain_pages_within_one_request(portal: Portal, sandbox: Sandbox) -> None:
    outcome = portal.batch(chain(3), halt=1)

    pages = [ids(outcome["result"][name]) for name in ("p00", "p01", "p02")]
    assert [len(page) for page in pages] == [50, 50, 30]
    assert [*pages[0], *pages[1], *pages[2]] == list(range(1, 131))
    assert outcome["result_error"] == []
    assert len(sandbox.requests) == 1


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("reference", "text", "expected"),
    [
        (UnresolvedReference.LITERAL_TEXT, TextInIdFilter.PAGE_ONE, list(range(1, 51))),
        (UnresolvedReference.LITERAL_TEXT, TextInIdFilter.EMPTY_LIST, []),
        (UnresolvedReference.EMPTY_STRING, TextInIdFilter.PAGE_ONE, list(range(1, 51))),
        (UnresolvedReference.EMPTY_STRING, TextInIdFilter.EMPTY_LIST, []),
        (UnresolvedReference.DROPPED, TextInIdFilter.EMPTY_LIST, list(range(1, 51))),
    ],
)
def test_a_reference_beyond_a_short_page(
    portal: Portal, set_portal: Turn, reference: UnresolvedReference, text: Any, expected: Any
) -> None:
    set_portal(unresolved_reference=reference, text_in_id_filter=text)

    outcome = portal.batch(chain(4), halt=1)

    assert ids(outcome["result"]["p03"]) == expected
    assert outcome["result_error"] == []


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("reference", [UnresolvedReference.LITERAL_TEXT, UnresolvedReference.EMPTY_STRING])
def test_a_reference_beyond_a_short_page_may_be_an_error(
    portal: Portal, set_portal: Turn, reference: UnresolvedReference
) -> None:
    set_portal(unresolved_reference=reference, text_in_id_filter=TextInIdFilter.ERROR)

    outcome = portal.batch(chain(5), halt=1)

    assert list(outcome["result_error"]) == ["p03"]
    assert list(outcome["result"]) == ["p00", "p01", "p02"], "halted: p04 is nowhere"


@pytest.mark.usefixtures("people")
def test_without_halt_the_commands_after_a_failure_run(portal: Portal) -> None:
    outcome = portal.batch({"a": "no.such.method", "b": "user.get?filter[ID]=5&select[]=ID"})

    assert outcome["result_error"]["a"]["error"] == "ERROR_METHOD_NOT_FOUND"
    assert outcome["result"] == {"b": [{"ID": "5"}]}
    assert "a" not in outcome["result_time"]
    assert "a" not in outcome["result_total"]


@pytest.mark.usefixtures("people")
def test_a_reference_to_a_failed_command_stays_text(portal: Portal) -> None:
    outcome = portal.batch({"a": "no.such.method", "b": "user.get?filter[ID]=$result[a][0][ID]"})

    assert outcome["result"]["b"] == []


@pytest.mark.usefixtures("people")
def test_next_is_there_only_for_another_page_and_empty_maps_are_lists(portal: Portal) -> None:
    outcome = portal.batch({"a": "user.get?start=0&select[]=ID", "b": "user.get?start=100&select[]=ID"})
    nothing = portal.batch({"a": "no.such.method"})

    assert outcome["result_total"] == {"a": 130, "b": 130}
    assert outcome["result_next"] == {"a": 50}
    assert nothing["result"] == nothing["result_total"] == nothing["result_next"] == nothing["result_time"] == []


def test_a_bare_equals_sign_in_a_key_cuts_the_name_as_php_does(portal: Portal) -> None:
    outcome = portal.batch({"bare": "user.get?filter[<=ID]=1", "encoded": "user.get?filter[%3C%3DID]=1"})

    descriptions = [error["error_description"] for error in outcome["result_error"].values()]
    assert descriptions == ["The sandbox has no filter <", "The sandbox has no filter <=ID"]


def test_over_length_is_refused_per_command_or_as_a_whole(portal: Portal, set_portal: Turn) -> None:
    commands = {f"c{number}": "scope" for number in range(52)}

    outcome = portal.batch(commands)
    assert len(outcome["result"]) == 50
    assert outcome["result_error"]["c51"]["error"] == "ERROR_BATCH_LENGTH_EXCEEDED"

    set_portal(refuses_overlong_batch=True)
    answer = portal.raw("batch", {"cmd": commands})
    assert (answer.status_code, answer.json()["error"]) == (400, "ERROR_BATCH_LENGTH_EXCEEDED")


def test_a_batch_costs_one_hit_but_books_operating_time_for_each_command(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(call_seconds=2, operating_limit=5)

    outcome = portal.batch({f"c{number}": "user.get" for number in range(4)})

    assert list(outcome["result"]) == ["c0", "c1", "c2"]
    assert outcome["result_error"]["c3"]["error"] == "OPERATION_TIME_LIMIT"
    assert "time" not in outcome["result_error"]["c3"]
    assert outcome["result_time"]["c2"]["operating"] == 6


def test_a_batch_may_lack_the_counts(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(batch_totals=False)
    sandbox.portal.hire()

    assert portal.batch({"a": "user.get?start=0"})["result_total"] == []
    assert portal.json("user.get")["total"] == 1


def test_a_refused_command_may_say_when_to_go_on(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(call_seconds=2, operating_limit=5, operating_error_has_time=True)

    outcome = portal.batch({"c0": "user.get", "c1": "user.get", "c2": "user.get", "c3": "user.get", "c4": "profile"})

    assert outcome["result_error"]["c3"]["time"]["operating_reset_at"] == NOON + 600


def test_a_batch_over_sixty_seconds_is_cut_off(portal: Portal, sandbox: Sandbox) -> None:
    sandbox.bitrix24 = Bitrix24Behavior(call_seconds=2)

    answer = portal.raw("batch", {"cmd": {f"c{number}": "user.get" for number in range(40)}})

    assert (answer.status_code, answer.json()["error"]) == (500, "INTERNAL_SERVER_ERROR")
