"""T8, T22: a number counts as ordinary only where all SIP lines are known, however few of them fit on a page."""

from typing import Any

import pytest

from b24_pipeline.callgear.employees import MAX_ROWS
from b24_pipeline.callgear.exceptions import SipNumberError
from b24_pipeline.callgear.phones import MAX_PAGES, lines_of, owners_of_sip_lines, refuse_sip_numbers
from b24_pipeline_tests.callgear.conftest import answering

EMPLOYEE = 7
SHORT_NUMBER, FULL_NUMBER = "042917", "97145550100"


class Lines:
    """An account's SIP lines, the last of them with this number; a page holds `most` of them."""

    def __init__(self, number: str, *, count: int = 5, most: int = 2, total: int | None = 5) -> None:
        self.rows = [{"id": at, "phone_number": f"0777{at}", "employee_id": at} for at in range(count - 1)]
        self.rows.append({"id": count - 1, "phone_number": number, "employee_id": EMPLOYEE})
        self.most = most
        self.total = total
        self.offsets: list[int] = []

    def __call__(self, envelope: dict[str, Any]) -> dict[str, Any]:
        offset = envelope["params"]["offset"]
        self.offsets.append(offset)
        metadata = {} if self.total is None else {"total_items": self.total}
        return {"result": {"data": self.rows[offset : offset + self.most], "metadata": metadata}}


def refuse(lines: Any, number: str) -> None:
    refuse_sip_numbers(answering(lines), EMPLOYEE, [{"phone_number": number}], lines_of=None)


def test_lines_that_did_not_fit_on_the_first_page_are_known_too() -> None:
    lines = Lines(FULL_NUMBER)

    with pytest.raises(SipNumberError):
        refuse(lines, FULL_NUMBER)

    assert lines.offsets == [0, 2, 4]
    assert EMPLOYEE in owners_of_sip_lines(answering(lines))


def test_a_line_without_an_id_is_left_out() -> None:
    rows = [{"phone_number": FULL_NUMBER, "employee_id": EMPLOYEE}, {"id": 3, "phone_number": SHORT_NUMBER}]
    assert lines_of(answering(lambda _: {"result": {"data": rows}}), EMPLOYEE) == {3}


def test_without_a_total_a_full_page_is_followed_by_another() -> None:
    lines = Lines(FULL_NUMBER, count=MAX_ROWS + 1, most=MAX_ROWS, total=None)

    with pytest.raises(SipNumberError):
        refuse(lines, FULL_NUMBER)

    assert lines.offsets == [0, MAX_ROWS]


def test_a_short_number_passes_where_all_lines_came() -> None:
    refuse(Lines("0778"), SHORT_NUMBER)


@pytest.mark.parametrize("total", [4, 6])
def test_a_short_number_is_doubted_where_another_number_of_lines_was_announced(total: int) -> None:
    with pytest.raises(SipNumberError):
        refuse(Lines("0778", most=5, total=total), SHORT_NUMBER)


def test_a_short_number_is_doubted_where_a_line_came_twice_and_so_another_not() -> None:
    lines = Lines("0778")
    lines.rows[2] = lines.rows[0]

    with pytest.raises(SipNumberError):
        refuse(lines, SHORT_NUMBER)


def test_a_full_number_passes_where_lines_are_missing_unless_one_of_those_that_came_has_it() -> None:
    refuse(Lines("0778", total=6), FULL_NUMBER)

    with pytest.raises(SipNumberError):
        refuse(Lines(FULL_NUMBER, total=6), FULL_NUMBER)


def test_lines_that_come_one_by_one_are_given_up() -> None:
    lines = Lines("0778", count=50, most=1, total=50)

    with pytest.raises(SipNumberError):
        refuse(lines, SHORT_NUMBER)

    assert len(lines.offsets) == MAX_PAGES
