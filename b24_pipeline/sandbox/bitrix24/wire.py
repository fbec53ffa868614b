"""Parameters as PHP reads them: a JSON body, bracket notation in a command (contract 1.2), references (3.2)."""

import json
import re
from urllib.parse import parse_qsl

from b24_pipeline.sandbox.bitrix24.behavior import UnresolvedReference
from b24_pipeline.sandbox.types import Json

Params = dict[str, Json]
REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")


def parameters(body: bytes) -> Params:
    """The parameters of a request by upper-case name; none where it is no JSON object."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return {name.upper(): value for name, value in parsed.items()} if isinstance(parsed, dict) else {}


def command(text: str) -> tuple[str, Params]:
    """Method and parameters of one batch command, ``method?query``.

    ``filter[>ID]=5&select[]=ID`` is ``{"FILTER": {">ID": "5"}, "SELECT": {"0": "ID"}}``. Names are cut at the first
    ``=`` as PHP does, so ``filter[>=ID]=5`` would have to be sent with ``%3E%3D``.
    """
    method, _, query = text.partition("?")
    params: Params = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        head, *keys = name.replace("]", "").split("[")
        tree, last = params, head.upper()
        for key in keys:
            tree = tree.setdefault(last, {})
            last = key or str(len(tree))
        tree[last] = value
    return method, params


def values(value: Json) -> list[Json]:
    """The items of a list or of a map, which stands for one in PHP; a scalar alone."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def resolved(value: Json, results: dict[str, Json], otherwise: UnresolvedReference) -> Json:
    """The value with every text that is a reference to earlier results replaced; None is left out of its map."""
    if isinstance(value, dict):
        inner = {key: resolved(item, results, otherwise) for key, item in value.items()}
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
