"""Reads are complete and proven so, in as few requests as there can be, or not used."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.employees import fetch_employees, fetch_rows, find_by_email, read_employee
from b24_pipeline.callgear.exceptions import IncompleteReadError
from b24_pipeline.sandbox import CallGearBehavior, Sandbox
from b24_pipeline.sandbox.callgear.behavior import Metadata
from b24_pipeline_tests.callgear.conftest import answering

Change = Callable[[int], None]


class Account:
    """Employees by the ten thousand, answered straight from memory: what a page holds depends on `order`."""

    def __init__(
        self, ids: list[int], *, order: Callable[[list[int]], list[int]] = sorted, tells_total: bool = True
    ) -> None:
        self.ids = ids
        self.order = order
        self.tells_total = tells_total
        self.requests = 0
        self.before_request: Change = lambda _: None

    def __call__(self, envelope: dict[str, Any]) -> dict[str, Any]:
        self.requests += 1
        self.before_request(self.requests)
        params = envelope["params"]
        bounds = params.get("filter", {"filters": []})["filters"]
        above = next((bound["value"] for bound in bounds if bound["operator"] == ">"), -1)
        upto = next((bound["value"] for bound in bounds if bound["operator"] == "<="), 10**12)
        found = [number for number in self.ids if above < number <= upto]
        rows = [{"id": number} for number in self.order(found)[: params["limit"]]]
        metadata = {"limits": {}, **({"total_items": len(found)} if self.tells_total else {})}
        return {"result": {"data": rows, "metadata": metadata}}


def shuffled(ids: list[int]) -> list[int]:
    return random.Random(len(ids)).sample(ids, len(ids))


def descending(ids: list[int]) -> list[int]:
    return sorted(ids, reverse=True)


def sparse(count: int) -> list[int]:
    return sorted(random.Random(3).sample(range(count * 20), count))


def clustered(count: int) -> list[int]:
    return [*range(100, 100 + count // 2), *range(10**8, 10**8 + count - count // 2)]


def clean(rows: list[dict[str, Any]]) -> list[int]:
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("shuffled", [False, True])
def test_all_employees_come_as_a_frame_in_one_request(client: CallGear, sandbox: Sandbox, shuffled: bool) -> None:
    sandbox.callgear = replace(sandbox.callgear, shuffles_rows=shuffled)
    for number in range(40):
        sandbox.account.add_employee(last_name=f"Number {number}", email=f"n{number}@x.test")
    sandbox.account.add_employee(first_name="", last_name="Sokolova", phone_numbers=["971505550142"])

    frame = fetch_employees(client)

    assert client.points_spent == len(sandbox.requests) == 1
    assert list(frame["callgear_id"]) == sorted(sandbox.account.employees)
    assert frame["email"].isna().sum() == frame["patronymic"].isna().sum() - 40 == 1
    assert frame["first_name"].isna().all()
    assert frame["phone_numbers"].iloc[0] == "[]"
    assert '"phone_number": "971505550142"' in frame["phone_numbers"].iloc[-1]
    assert str(frame["callgear_id"].dtype) == "Int64"


def test_an_account_without_employees_is_an_empty_frame(client: CallGear) -> None:
    assert fetch_employees(client).empty


def test_half_a_letter_in_a_name_does_not_stop_the_read() -> None:
    rows = [{"id": 1, "last_name": "Sokolova \ud83d", "phone_numbers": [{"phone_number": "7\ud83d"}]}]

    def response(envelope: dict[str, Any]) -> httpx.Response:
        whole = {"id": envelope["id"], "result": {"data": rows, "metadata": {"total_items": 1}}}
        return httpx.Response(200, content=json.dumps(whole).encode())

    frame = fetch_employees(answering(response))

    assert frame["last_name"].iloc[0] == "Sokolova ?"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("order", [sorted, descending, shuffled])
@pytest.mark.parametrize(
    ("make_ids", "most"), [(lambda count: list(range(1, count + 1)), 20), (sparse, 24), (clustered, 32)]
)
def test_a_hundred_thousand_come_in_few_requests(
    order: Callable[[list[int]], list[int]], make_ids: Callable[[int], list[int]], most: int
) -> None:
    account = Account(make_ids(100_000), order=order)

    rows = fetch_rows(answering(account), fields=("id",))

    assert clean(rows) == account.ids
    assert account.requests <= most


@pytest.mark.parametrize("order", [sorted, shuffled])
def test_without_totals_only_parts_below_a_full_page_are_trusted(order: Callable[[list[int]], list[int]]) -> None:
    account = Account(sparse(35_000), order=order, tells_total=False)

    rows = fetch_rows(answering(account), fields=("id",))

    assert clean(rows) == account.ids


@pytest.mark.parametrize("count", [0, 1, 9_999, 10_000])
def test_up_to_ten_thousand_take_one_request(count: int) -> None:
    account = Account(list(range(count)))

    assert len(fetch_rows(answering(account), fields=("id",))) == count
    assert account.requests == 1


def test_people_may_come_and_go_while_ranges_are_read() -> None:
    account = Account(list(range(0, 40_000, 2)), order=shuffled)
    stays = set(account.ids) - {400}

    def change(request: int) -> None:
        account.ids = sorted((set(account.ids) - {400}) | ({30_001} if request == 3 else set()))

    account.before_request = change

    assert stays <= set(clean(fetch_rows(answering(account), fields=("id",))))


@pytest.mark.parametrize("metadata", [Metadata.MISSING, Metadata.EMPTY_LIMITS])
def test_a_short_page_without_a_total_is_trusted(client: CallGear, sandbox: Sandbox, metadata: Metadata) -> None:
    sandbox.callgear = CallGearBehavior(metadata=metadata)
    sandbox.account.add_employee(last_name="Sokolova")

    assert len(fetch_employees(client)) == 1


@pytest.mark.parametrize("error", [1, -1, 500])
def test_a_read_that_differs_from_the_total_is_repeated_once_and_then_not_trusted(
    client: CallGear, sandbox: Sandbox, error: int
) -> None:
    sandbox.callgear = CallGearBehavior(total_items_error=error)
    sandbox.account.add_employee(last_name="Sokolova")
    sandbox.account.add_employee(last_name="Haddad")

    with pytest.raises(IncompleteReadError, match="received 2 employees"):
        fetch_employees(client)

    assert len(sandbox.requests) == 2


def test_a_read_that_is_whole_the_second_time_is_taken() -> None:
    answers = iter([[{"id": 1}], [{"id": 1}, {"id": 2}]])
    client = answering(lambda _: {"result": {"data": next(answers), "metadata": {"total_items": 2}}})

    assert len(fetch_rows(client)) == 2


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"id": 1}, {"id": 1}], "twice"),
        ([{"id": 1}, {"last_name": "Sokolova"}], "without a valid id"),
        ([{"id": 1}, {"id": "2"}], "without a valid id"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_not_trusted(rows: list[dict[str, Any]], problem: str) -> None:
    client = answering(lambda _: {"result": {"data": rows, "metadata": {"total_items": 2}}})

    with pytest.raises(IncompleteReadError, match=problem):
        fetch_rows(client)


def test_a_filter_that_is_not_obeyed_is_not_trusted() -> None:
    account = Account(list(range(30_000)))

    def ignoring(envelope: dict[str, Any]) -> dict[str, Any]:
        envelope["params"].pop("filter", None)
        return account(envelope)

    with pytest.raises(IncompleteReadError, match="outside"):
        fetch_rows(answering(ignoring), fields=("id",))


def test_parts_that_do_not_add_up_are_not_trusted() -> None:
    account = Account(list(range(30_000)))

    def hiding(envelope: dict[str, Any]) -> dict[str, Any]:
        response = account(envelope)
        if "filter" not in envelope["params"]:
            response["result"]["metadata"]["total_items"] += 7
        return response

    with pytest.raises(IncompleteReadError, match="do not add up"):
        fetch_rows(answering(hiding), fields=("id",))


def test_a_fault_in_the_middle_of_many_ranges_is_mended() -> None:
    account = Account(list(range(40_000)), order=shuffled)

    def failing(envelope: dict[str, Any]) -> Any:
        response = account(envelope)
        return httpx.Response(502, text="Bad Gateway") if account.requests in (2, 4) else response

    assert clean(fetch_rows(answering(failing), fields=("id",))) == account.ids


def test_one_employee_is_read_as_it_is_now(client: CallGear, sandbox: Sandbox) -> None:
    callgear_id = sandbox.account.add_employee(last_name="Sokolova", groups=[3301], phone_numbers=["971505550142"])

    employee = read_employee(client, callgear_id)

    assert employee is not None
    assert (employee["last_name"], employee["extension"]) == ("Sokolova", {})
    assert employee["groups"] == [{"group_id": 3301, "group_name": "Sales"}]
    assert [phone["phone_number"] for phone in employee["phone_numbers"]] == ["971505550142"]
    assert client.points_spent == 1


def test_an_employee_that_is_gone_is_none(client: CallGear) -> None:
    assert read_employee(client, 1) is None


def test_another_employee_than_asked_for_is_not_trusted() -> None:
    with pytest.raises(IncompleteReadError):
        read_employee(answering(lambda _: {"result": {"data": [{"id": 8}], "metadata": {"total_items": 1}}}), 7)


@pytest.mark.parametrize("lowered", [False, True])
@pytest.mark.parametrize(
    "stored", ["Ira.Lebedeva@X.test", "ira.lebedeva@x.test", "IRA.LEBEDEVA@x.test", " ira.lebedeva@x.test"]
)
def test_r09_an_employee_is_found_by_its_address_in_any_case(
    client: CallGear, sandbox: Sandbox, lowered: bool, stored: str
) -> None:
    sandbox.callgear = CallGearBehavior(lowers_emails=lowered)
    sandbox.account.add_employee(last_name="Haddad", email="haddad@x.test")
    sandbox.account.add_employee(last_name="Petrova")
    callgear_id = sandbox.account.add_employee(last_name="Lebedeva", email=stored)

    assert find_by_email(client, "Ira.Lebedeva@X.test") == [callgear_id]
    assert find_by_email(client, "haddad@x") == []


def test_several_employees_with_one_address_are_all_found(client: CallGear, sandbox: Sandbox) -> None:
    both = [sandbox.account.add_employee(last_name="Lebedeva", email=email) for email in ("Ira@x.test", "ira@x.test")]

    assert find_by_email(client, "Ira@x.test") == both


def test_reads_of_several_threads_do_not_mix(client: CallGear, sandbox: Sandbox) -> None:
    ids = [sandbox.account.add_employee(last_name=f"Number {number}") for number in range(20)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: read_employee(client, number), ids))

    assert [employee["id"] for employee in found if employee] == ids
