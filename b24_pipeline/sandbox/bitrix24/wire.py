"""Parameters as PHP reads them: a JSON body, and bracket notation in the query of a command (contract 1.2)."""

import json
from urllib.parse import parse_qsl

from b24_pipeline.sandbox.types import Json

Params = dict[str, Json]


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
