"""The account's employees as a frame (asset `callgear_employees`)."""

import json
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.reading import TEXTS, fetch_rows
from b24_pipeline.callgear.rows import UNREADABLE, Row, phone_entries, text_of
from b24_pipeline.schemas import CallGearEmployees, check, dtypes


def fetch_employees(client: CallGear, *, in_flight: int = 4) -> DataFrame[CallGearEmployees]:
    """All employees of the account: complete and trusted, in ascending order of their ids.

    One request up to 10,000 employees; above that ranges of ids, `in_flight` at a time (contract 2).

    Raises:
        IncompleteReadError: it is not provably everything, also when read once more.
    """
    rows = sorted(fetch_rows(client, in_flight=in_flight), key=lambda row: row["id"])
    columns: dict[str, list[Any]] = {
        "callgear_id": [row["id"] for row in rows],
        **{name: [text_of(row.get(name)) for row in rows] for name in TEXTS},
        "phone_numbers": [_phone_numbers(row) for row in rows],
    }
    typed = {
        name: pd.array(values, dtype=kind)
        for (name, values), kind in zip(columns.items(), dtypes(CallGearEmployees), strict=True)
    }
    return check(CallGearEmployees, pd.DataFrame(typed))


def _phone_numbers(row: Row) -> str:
    entries = phone_entries(row.get("phone_numbers"))
    try:
        return json.dumps(entries, allow_nan=False)
    except ValueError:
        return json.dumps([UNREADABLE])
