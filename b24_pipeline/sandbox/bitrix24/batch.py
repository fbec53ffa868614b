"""``batch``: up to 50 commands, in order, with references to earlier results (contract 3)."""

import re
from collections.abc import Callable
from typing import Final

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior, UnresolvedReference
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error, Refusal
from b24_pipeline.sandbox.bitrix24.users import Listed
from b24_pipeline.sandbox.bitrix24.wire import Params, as_map, command, php_map
from b24_pipeline.sandbox.types import Json

MAX_COMMANDS = 50
MAPS = ("result", "result_error", "result_total", "result_next", "result_time")
REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")
TRUE_VALUES = (True, 1, "1", "Y", "true")

Call = Callable[[str, Params], tuple[Json, dict[str, Json]]]
Refused = Callable[[Refusal, str], dict[str, Json]]


DROPPED: Final = object()
"""Stands for a parameter that is left out, because its reference leads nowhere."""


def run_batch(params: Params, behavior: Bitrix24Behavior, call: Call, refused: Refused) -> dict[str, Json]:
    """Run the commands of ``CMD`` and return the payload of the batch.

    `call` runs one method and returns its payload and its ``time`` block, `refused` makes the envelope of a refusal.
    """
    commands = as_map(params.get("CMD"))
    if len(commands) > MAX_COMMANDS and behavior.refuses_overlong_batch:
        raise Bitrix24Error(errors.BATCH_TOO_LONG)
    outcome: dict[str, dict[str, Json]] = {name: {} for name in MAPS}
    for position, (name, text) in enumerate(commands.items()):
        method, inner = command(str(text))
        try:
            _check_command(position, method)
            payload, time = call(method, _resolved(inner, outcome["result"], behavior.unresolved_reference))
        except Bitrix24Error as error:
            outcome["result_error"][name] = refused(error.refusal, method)
            if params.get("HALT") in TRUE_VALUES:
                break
        else:
            _put_in(outcome, name, payload, counts=behavior.batch_totals)
            outcome["result_time"][name] = time
    return {name: php_map(items) for name, items in outcome.items()}


def _check_command(position: int, method: str) -> None:
    if position >= MAX_COMMANDS:
        raise Bitrix24Error(errors.BATCH_TOO_LONG)
    if method == "batch":
        raise Bitrix24Error(errors.NOT_IN_BATCH)


def _put_in(outcome: dict[str, dict[str, Json]], name: str, payload: Json, *, counts: bool) -> None:
    if not isinstance(payload, Listed):
        outcome["result"][name] = payload
        return
    outcome["result"][name] = payload.rows
    if payload.total is not None and counts:
        outcome["result_total"][name] = payload.total
    if payload.following is not None:
        outcome["result_next"][name] = payload.following


def _resolved(value: Json, results: dict[str, Json], otherwise: UnresolvedReference) -> Json:
    """The value with every text that is a reference replaced; dropped parameters are left out of their map."""
    if isinstance(value, dict):
        inner = {key: _resolved(item, results, otherwise) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item is not DROPPED}
    if isinstance(value, list):
        items = [_resolved(item, results, otherwise) for item in value]
        return [item for item in items if item is not DROPPED]
    reference = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return value if reference is None else _looked_up(reference, results, otherwise)


def _looked_up(reference: re.Match[str], results: dict[str, Json], otherwise: UnresolvedReference) -> Json:
    found: Json = results
    for key in reference[1][1:-1].split("]["):
        inner = as_map(found)
        if key not in inner:
            return {
                UnresolvedReference.LITERAL_TEXT: reference[0],
                UnresolvedReference.EMPTY_STRING: "",
                UnresolvedReference.DROPPED: DROPPED,
            }[otherwise]
        found = inner[key]
    return found
