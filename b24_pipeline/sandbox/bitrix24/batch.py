"""``batch``: up to 50 commands, in order, with references to earlier results (contract 3)."""

import re
from collections.abc import Callable
from typing import Final

from b24_pipeline.sandbox.bitrix24 import errors
from b24_pipeline.sandbox.bitrix24.behaviour import Bitrix24Behaviour, OverlongBatch, UnresolvedReference
from b24_pipeline.sandbox.bitrix24.errors import Bitrix24Error
from b24_pipeline.sandbox.bitrix24.users import Listed
from b24_pipeline.sandbox.bitrix24.wire import Params, as_map, command
from b24_pipeline.sandbox.types import Json

MOST_COMMANDS = 50
REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")
TRUE_VALUES = (True, 1, "1", "Y", "true")

Call = Callable[[str, Params], tuple[Json, dict[str, Json]]]
Refused = Callable[[Bitrix24Error, str], dict[str, Json]]


class _Unresolved:
    """A reference that leads nowhere."""


UNRESOLVED: Final = _Unresolved()


def php_map(items: dict[str, Json]) -> Json:
    """A map as PHP writes it: empty is ``[]``, and keys 0, 1, 2, ... make a list."""
    if list(items) == [str(index) for index in range(len(items))]:
        return list(items.values())
    return items


def run_batch(params: Params, behaviour: Bitrix24Behaviour, call: Call, refused: Refused) -> dict[str, Json]:
    """Run the commands and return the payload of the batch.

    Args:
        params: ``CMD`` and ``HALT``.
        behaviour: the portal's switches.
        call: runs one method and returns its payload and its ``time`` block.
        refused: the error envelope of a refused method.

    Raises:
        Bitrix24Error: too many commands, where the whole request is refused for it.
    """
    commands = as_map(params.get("CMD"))
    if len(commands) > MOST_COMMANDS and behaviour.overlong_batch is OverlongBatch.WHOLE_REQUEST:
        raise errors.batch_too_long()
    outcome = _Outcome()
    for position, (name, text) in enumerate(commands.items()):
        try:
            if position >= MOST_COMMANDS:
                raise errors.batch_too_long()
            _run_one(name, str(text), outcome, behaviour, call)
        except Bitrix24Error as refusal:
            outcome.errors[name] = refused(refusal, command(str(text))[0])
            if params.get("HALT") in TRUE_VALUES:
                break
    return outcome.as_json()


class _Outcome:
    """The five maps of a batch answer."""

    def __init__(self) -> None:
        self.results: dict[str, Json] = {}
        self.errors: dict[str, Json] = {}
        self.totals: dict[str, Json] = {}
        self.following: dict[str, Json] = {}
        self.times: dict[str, Json] = {}

    def as_json(self) -> dict[str, Json]:
        return {
            "result": php_map(self.results),
            "result_error": php_map(self.errors),
            "result_total": php_map(self.totals),
            "result_next": php_map(self.following),
            "result_time": php_map(self.times),
        }


def _run_one(name: str, text: str, outcome: _Outcome, behaviour: Bitrix24Behaviour, call: Call) -> None:
    method, params = command(text)
    if method == "batch":
        raise errors.not_in_batch()
    payload, time = call(method, _resolved(params, outcome.results, behaviour.unresolved_reference))
    outcome.times[name] = time
    if isinstance(payload, Listed):
        outcome.results[name] = payload.rows
        if payload.total is not None and behaviour.batch_totals:
            outcome.totals[name] = payload.total
        if payload.following is not None:
            outcome.following[name] = payload.following
    else:
        outcome.results[name] = payload


def _resolved(value: Json, results: dict[str, Json], otherwise: UnresolvedReference) -> Json:
    """The value with every reference replaced; dropped parameters are left out of their map."""
    if isinstance(value, dict):
        inner = {key: _resolved(item, results, otherwise) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item is not UNRESOLVED}
    if isinstance(value, list):
        items = [_resolved(item, results, otherwise) for item in value]
        return [item for item in items if item is not UNRESOLVED]
    if isinstance(value, str) and "$result" in value:
        return _resolved_text(value, results, otherwise)
    return value


def _resolved_text(text: str, results: dict[str, Json], otherwise: UnresolvedReference) -> Json:
    whole = REFERENCE.fullmatch(text)
    if whole is not None:
        return _or_otherwise(_looked_up(whole.group(1), results), text, otherwise)

    def inserted(match: re.Match[str]) -> str:
        found = _or_otherwise(_looked_up(match.group(1), results), match.group(0), otherwise)
        return "" if found is UNRESOLVED else str(found)

    return REFERENCE.sub(inserted, text)


def _looked_up(path: str, results: dict[str, Json]) -> Json:
    found: Json = results
    for key in path[1:-1].split("]["):
        inner = as_map(found)
        if key not in inner:
            return UNRESOLVED
        found = inner[key]
    return found


def _or_otherwise(found: Json, text: str, otherwise: UnresolvedReference) -> Json:
    if found is not UNRESOLVED:
        return found
    return {
        UnresolvedReference.LITERAL_TEXT: text,
        UnresolvedReference.EMPTY_STRING: "",
        UnresolvedReference.DROPPED: UNRESOLVED,
    }[otherwise]
