"""``batch``: up to 50 commands, in order, with references to earlier results (contract 3)."""

import re
from collections.abc import Callable

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior, UnresolvedReference
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error, Refusal
from b24_pipeline.sandbox.bitrix24.users import Payload
from b24_pipeline.sandbox.bitrix24.wire import Params, command
from b24_pipeline.sandbox.types import Json

MAX_COMMANDS = 50
MAPS = ("result", "result_error", "result_total", "result_next", "result_time")
REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")
TRUE_VALUES = (True, 1, "1", "Y", "true")

Call = Callable[[str, Params], tuple[Payload, dict[str, Json]]]
Refused = Callable[[Refusal, str], dict[str, Json]]


def run_batch(params: Params, behavior: Bitrix24Behavior, call: Call, refused: Refused) -> dict[str, Json]:
    """Run the commands of ``CMD`` and return the payload of the batch.

    `call` runs one method and returns its payload and its ``time`` block, `refused` makes the envelope of a refusal.
    """
    commands = params.get("CMD") or {}
    if len(commands) > MAX_COMMANDS and behavior.refuses_overlong_batch:
        raise Bitrix24Error(errors.BATCH_TOO_LONG)
    outcome: dict[str, dict[str, Json]] = {name: {} for name in MAPS}
    for position, (name, text) in enumerate(commands.items()):
        method, inner = command(str(text))
        try:
            if position >= MAX_COMMANDS:
                raise Bitrix24Error(errors.BATCH_TOO_LONG)  # noqa: TRY301 - as any other refusal of a command
            payload, time = call(method, _resolved(inner, outcome["result"], behavior.unresolved_reference))
        except Bitrix24Error as error:
            if error.refusal is errors.INTERNAL_ERROR:
                raise
            outcome["result_error"][name] = refused(error.refusal, method)
            if params.get("HALT") in TRUE_VALUES:
                break
            continue
        outcome["result"][name] = payload.result
        if payload.total is not None and behavior.batch_totals:
            outcome["result_total"][name] = payload.total
        if payload.following is not None:
            outcome["result_next"][name] = payload.following
        outcome["result_time"][name] = time
    return {name: items or [] for name, items in outcome.items()}  # an empty map is a list in PHP


def _resolved(value: Json, results: dict[str, Json], otherwise: UnresolvedReference) -> Json:
    """The value with every text that is a reference replaced; None is left out of its map."""
    if isinstance(value, dict):
        inner = {key: _resolved(item, results, otherwise) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item is not None}
    reference = REFERENCE.fullmatch(value)
    if reference is None:
        return value
    found: Json = results
    try:
        for key in reference[1][1:-1].split("]["):
            found = found[int(key) if isinstance(found, list) else key]
    except LookupError:
        return {
            UnresolvedReference.LITERAL_TEXT: value,
            UnresolvedReference.EMPTY_STRING: "",
            UnresolvedReference.DROPPED: None,
        }[otherwise]
    return found
