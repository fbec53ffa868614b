"""The account's employees as a frame (asset `callgear_employees`)."""

import json
from typing import Any

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline.callgear.answers import Row
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.reading import fetch_rows
from b24_pipeline.rules.frames import CallGearEmployees, check, types

TEXTS = ("first_name", "last_name", "patronymic", "email")


def fetch_employees(client: CallGear, *, in_flight: int = 4) -> DataFrame[CallGearEmployees]:
    """All employees of the account: complete and trusted, in ascending order of their ids.

    One request up to 10,000 employees; above that ranges of ids, `in_flight` at a time (contract 2).

    Raises:
        ReadNotTrusted: it is not provably everything, also when read once more.
    """
    rows = sorted(fetch_rows(client, in_flight=in_flight), key=lambda row: row["id"])
    columns: dict[str, list[Any]] = {
        "callgear_id": [row["id"] for row in rows],
        **{name: [_text(row.get(name)) for row in rows] for name in TEXTS},
        "phone_numbers": [_phone_numbers(row) for row in rows],
    }
    typed = {
        name: pd.array(values, dtype=kind)
        for (name, values), kind in zip(columns.items(), types(CallGearEmployees), strict=True)
    }
    return check(CallGearEmployees, pd.DataFrame(typed))


def _text(value: object) -> str | None:
    """The text, without halves of surrogate pairs, which JSON can carry and a frame cannot; None when empty."""
    if value is None or value == "":
        return None
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _phone_numbers(row: Row) -> str:
    entries = row.get("phone_numbers")
    return json.dumps(entries) if entries else "[]"
