"""Chains of keyset pages: what is asked, and what of the answer is believed (contract 3.2 - 3.4)."""

from collections.abc import Mapping
from typing import Any

import pytest

from b24_pipeline.bitrix24.client import BatchResponse
from b24_pipeline.bitrix24.exceptions import IncompleteFetchError, RequestError
from b24_pipeline.bitrix24.pagination import DISMISSED, EMPLOYEES, IdRange, chain, command, read_chain, up_to

NAMES = ["p00", "p01", "p02"]


def page(first: int, count: int = 50) -> list[dict[str, str]]:
    return [{"ID": str(number)} for number in range(first, first + count)]


def response(errors: Mapping[str, RequestError] | None = None, **results: Any) -> BatchResponse:
    return BatchResponse(results=results, errors=errors or {}, totals={})


def ids(rows: list[Mapping[str, Any]]) -> list[int]:
    return [int(row["ID"]) for row in rows]


def test_a_chain_refers_to_the_last_row_of_the_page_before() -> None:
    commands = chain(IdRange(7, 99), EMPLOYEES, 2)
    assert list(commands) == ["p00", "p01"]
    start = "user.get?filter[>ID]=7&filter[<ID]=100&filter[USER_TYPE]=employee&sort=ID&order=ASC&start=-1&select[]=ID&"
    assert commands["p00"].startswith(start)
    assert commands["p01"].startswith(start.replace("=7&", "=$result[p00][49][ID]&"))


def test_no_name_in_a_command_holds_an_equals_sign_where_php_would_cut_it() -> None:
    for text in chain(IdRange(7, 99), DISMISSED, 2).values():
        names = [part.partition("=")[0] for part in text.partition("?")[2].split("&")]
        assert all(name.count("[") == name.count("]") for name in names)
    assert up_to(99) == {"<ID": 100}


def test_a_list_of_ids_is_sent_as_a_list() -> None:
    assert command({"ID": [1, 29]}, start=0, fields=("ID",)) == (
        "user.get?filter[ID][]=1&filter[ID][]=29&sort=ID&order=ASC&start=0&select[]=ID"
    )


@pytest.mark.parametrize("after_the_end", [page(1), [], page(131, 10), "text", None, page(1, 3)])
def test_nothing_after_a_short_page_is_believed(after_the_end: object) -> None:
    pages = read_chain(response(p00=page(1), p01=page(51, 30), p02=after_the_end), NAMES, after=0)
    assert ids(pages.rows) == list(range(1, 81))
    assert (pages.last, pages.short_page, pages.rising, pages.error) == (80, 30, True, None)


def test_an_error_after_a_short_page_is_no_error() -> None:
    pages = read_chain(response({"p02": RequestError("x")}, p00=page(1), p01=page(51, 30)), NAMES, after=0)
    assert (len(pages.rows), pages.short_page, pages.error) == (80, 30, None)


def test_an_error_after_a_full_page_stops_the_chain_and_keeps_what_was_good() -> None:
    error = RequestError("x")
    pages = read_chain(response({"p01": error}, p00=page(1)), NAMES, after=0)
    assert (len(pages.rows), pages.last, pages.short_page, pages.error) == (50, 50, None, error)


def test_a_missing_page_stops_the_chain() -> None:
    pages = read_chain(response(p00=page(1), p02=page(51)), NAMES, after=0)
    assert (len(pages.rows), pages.short_page, pages.rising, pages.error) == (50, None, True, None)


@pytest.mark.parametrize("second", [page(1), page(50), page(51, 48) + page(98, 2), page(51)[::-1]])
def test_a_page_out_of_order_after_a_full_one_is_refused(second: list[dict[str, str]]) -> None:
    pages = read_chain(response(p00=page(1), p01=second, p02=page(101)), NAMES, after=0)
    assert (len(pages.rows), pages.last, pages.rising) == (50, 50, False)


def test_ids_are_compared_as_numbers() -> None:
    pages = read_chain(response(p00=[{"ID": "9"}, {"ID": "10"}]), NAMES, after=8)
    assert (pages.last, pages.rising) == (10, True)


@pytest.mark.parametrize("empty", [[], {}, None, "", False])
def test_an_empty_page_is_the_end_however_it_is_spelled(empty: object) -> None:
    pages = read_chain(response(p00=empty), NAMES, after=5)
    assert (pages.rows, pages.last, pages.short_page) == ([], 5, 0)


def test_a_map_of_rows_is_a_list_of_rows() -> None:
    assert ids(read_chain(response(p00={"0": {"ID": 3}, "2": {"ID": 4}}), NAMES, after=0).rows) == [3, 4]


def test_r16a_a_row_without_an_id_is_not_trusted() -> None:
    with pytest.raises(IncompleteFetchError):
        read_chain(response(p00=[{"NAME": "x"}]), NAMES, after=0)
