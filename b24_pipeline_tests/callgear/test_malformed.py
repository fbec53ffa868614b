"""Whatever CallGear sends in place of what it describes: one employee fails alone, or the read is not trusted."""

import json
import math
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.create import NewEmployee, create_or_adopt
from b24_pipeline.callgear.employees import fetch_employees, find_by_email, read_employee
from b24_pipeline.callgear.exceptions import CallGearError, IncompleteReadError, RecordError, RecordFault
from b24_pipeline.callgear.health_check import check_callgear
from b24_pipeline.callgear.phones import PhoneEntry, number_key, owners_of_sip_lines
from b24_pipeline.callgear.responsible_list import fetch_responsible
from b24_pipeline.callgear.update import EmployeeUpdater
from b24_pipeline.rules.planning import NO_PHONES
from b24_pipeline_tests.callgear.conftest import answering

SOUND = {"id": 7, "first_name": "Ira", "last_name": "Lebedeva", "patronymic": None, "email": "ira@x.test"}
ODD_IDS = ["7", None, 2**63, -1, 7.0, math.nan, True, [7], {}]
ODD_PHONES = [
    "74955550101",
    7,
    True,
    {},
    {"phone_number": "1"},
    [{}],
    [None],
    ["74955550101"],
    [[]],
    [{"phone_number": None}],
    [{"phone_number": 7}],
    [{"phone_number": ""}],
    [{"phone_number": "\ud800"}],
    [{"phone_number": {"deep": [None]}}],
    [{"phone_number": "74955550101", "status": []}],
    [{"phone_number": "74955550101", "dial_time": {}}],
    [{"phone_number": "74955550101", "phone_id": math.nan}],
    [{"phone_number": "74955550101", "channels_count": math.inf}],
]

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**40)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "\x00", "7", "ira@x.test", "Lebedeva"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "phone_number", "phone_id", "group_id", "limits", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from([1, 7, 8]) | ANYTHING},
        optional={
            name: st.just(SOUND.get(name)) | ANYTHING
            for name in ("first_name", "last_name", "patronymic", "email", "phone_numbers", "groups", "extension")
        }
        | dict.fromkeys(("ext_id", "name", "employee_id", "phone_number", "permissions", "app_id"), ANYTHING),
    ),
    max_size=3,
)
LIMITS = st.dictionaries(
    st.sampled_from(["minute_limit", "minute_remaining", "minute_reset", "day_limit", "day_remaining", "day_reset"]),
    ANYTHING | st.sampled_from([math.nan, math.inf, -math.inf, -1, 10**400, 1e308]),
)
METADATA = (
    ANYTHING
    | st.fixed_dictionaries(
        {}, optional={"total_items": ANYTHING, "api_version": ANYTHING, "limits": LIMITS | ANYTHING}
    )
    | st.just({})
)
RESULTS = st.fixed_dictionaries({"data": ROWS | ANYTHING}, optional={"metadata": METADATA}) | ANYTHING
ERRORS = st.fixed_dictionaries(
    {"code": st.sampled_from([-32602, -32029, -32001, -32603]) | ANYTHING},
    optional={
        "message": ANYTHING,
        "data": ANYTHING
        | st.fixed_dictionaries(
            {},
            optional={
                "mnemonic": ANYTHING | st.sampled_from(["error", "limit_exceeded", "entity_not_found"]),
                "field": ANYTHING,
                "value": ANYTHING,
                "params": ANYTHING | st.fixed_dictionaries({"limit_type": ANYTHING | st.just("day"), "ip": ANYTHING}),
                "metadata": METADATA,
            },
        ),
    },
)
ANSWERS = st.fixed_dictionaries({"result": RESULTS}) | st.fixed_dictionaries({"error": ERRORS | ANYTHING})


def account_of(response: dict[str, Any]) -> CallGear:
    """A client of an account that answers everything so."""
    return answering(lambda _: response)


def of_rows(*rows: dict[str, Any], **metadata: Any) -> CallGear:
    """A client of an account whose lists hold these rows."""
    return account_of({"result": {"data": list(rows), "metadata": metadata}})


def use_everything(client: CallGear) -> None:
    """Call whatever the import calls; only errors that are told in words may come."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    writer = EmployeeUpdater(client, now=lambda: now)
    calls = (
        lambda: fetch_employees(client),
        lambda: read_employee(client, 7),
        lambda: find_by_email(client, "ira@x.test"),
        lambda: fetch_responsible(client),
        lambda: owners_of_sip_lines(client),
        lambda: create_or_adopt(client, NewEmployee(last_name="Lebedeva", email="ira@x.test")),
        lambda: writer.update(7, last_name="Lebedeva-Kim"),
        lambda: writer.update(7, phone_numbers=(PhoneEntry("74955550101"),)),
        lambda: check_callgear(client),
    )
    for call in calls:
        with suppress(CallGearError):
            call()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANSWERS)
def test_t22_whatever_comes_is_an_error_in_words_and_never_a_traceback(response: dict[str, Any]) -> None:
    use_everything(account_of(response))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, METADATA)
def test_t22_whatever_a_list_holds_it_is_read_or_not_trusted(rows: list[dict[str, Any]], metadata: Any) -> None:
    use_everything(account_of({"result": {"data": rows, "metadata": metadata}}))


@pytest.mark.parametrize("number", ODD_IDS, ids=repr)
def test_t22_an_id_that_cannot_be_kept_is_not_trusted(number: object) -> None:
    with pytest.raises(IncompleteReadError, match="employees without a valid id"):
        fetch_employees(of_rows({**SOUND, "id": number}))


@pytest.mark.parametrize("field", ["first_name", "last_name", "patronymic", "email"])
@pytest.mark.parametrize("value", [[], {}, [None], True, {"deep": []}], ids=repr)
def test_t22_a_name_that_is_no_text_is_not_trusted(field: str, value: object) -> None:
    with pytest.raises(IncompleteReadError, match="employee 7 has a name or an e-mail that is not text"):
        fetch_employees(of_rows({**SOUND, field: value}))


@pytest.mark.parametrize("phones", ODD_PHONES, ids=repr)
def test_r11_phones_that_cannot_be_understood_count_as_phones_and_break_nobody(phones: object) -> None:
    found = fetch_employees(of_rows({**SOUND, "phone_numbers": phones}, {**SOUND, "id": 8}))

    odd, sound = found["phone_numbers"].tolist()
    assert (odd != NO_PHONES, sound) == (True, NO_PHONES)
    assert [number_key(entry["phone_number"]) for entry in json.loads(odd)]


@pytest.mark.parametrize("phones", ODD_PHONES, ids=repr)
def test_r11_an_employee_that_cannot_be_understood_is_not_updated(phones: object) -> None:
    methods: list[str] = []

    def respond(envelope: dict[str, Any]) -> dict[str, Any]:
        methods.append(envelope["method"])
        return {"result": {"data": [{**SOUND, "phone_numbers": phones}], "metadata": {}}}

    with pytest.raises(RecordError, match="employee 7 has phone_numbers that cannot be understood") as caught:
        EmployeeUpdater(answering(respond)).update(7, last_name="Kim", phone_numbers=(PhoneEntry("74955550101"),))

    assert (caught.value.fault, set(methods)) == (RecordFault.UNREADABLE, {"get.employees"})


@pytest.mark.parametrize("total", [2_000_000, 10**18, 10**30])
def test_t22_a_total_beyond_any_account_is_not_followed(total: int) -> None:
    client = of_rows(*({**SOUND, "id": number} for number in range(10_000)), total_items=total)

    with pytest.raises(IncompleteReadError, match="more than any account has"):
        fetch_employees(client)

    assert client.requests_sent == 2


def test_t22_pages_that_are_always_full_end_with_the_runs_time() -> None:
    """Each range of ids holds more than a page, however small it is cut."""

    def respond(envelope: dict[str, Any]) -> dict[str, Any]:
        bounds = envelope["params"].get("filter", {}).get("filters", [])
        above = next((bound["value"] for bound in bounds if bound["operator"] == ">"), 0)
        upto = next((bound["value"] for bound in bounds if bound["operator"] == "<="), above + 10**9)
        rows = [{"id": number} for number in range(above + 1, min(upto, above + 10_000) + 1)]
        return {"result": {"data": rows, "metadata": {"total_items": 900_000, "limits": {"minute_limit": 100}}}}

    with pytest.raises((IncompleteReadError, CallGearError)):
        fetch_employees(answering(respond))
