"""Parameters as PHP reads them: a JSON body, and bracket notation in a query (contract 1.2)."""

import json
from urllib.parse import parse_qsl

from b24_pipeline.sandbox.types import Json

Params = dict[str, Json]


def parameters(query: str, body: bytes = b"") -> Params:
    """The parameters of a request by upper-case name; the body wins over the query."""
    merged = {**nested(parse_qsl(query, keep_blank_values=True)), **_json_parameters(body)}
    return {name.upper(): value for name, value in merged.items()}


def command(text: str) -> tuple[str, Params]:
    """Method and parameters of one batch command, ``method?query``."""
    method, _, query = text.partition("?")
    return method, parameters(query)


def nested(pairs: list[tuple[str, str]]) -> Params:
    """``[("filter[>ID]", "5"), ("select[]", "ID")]`` as ``{"filter": {">ID": "5"}, "select": ["ID"]}``.

    Names are cut at the first ``=`` as PHP does, so ``filter[>=ID]=5`` must be sent with ``%3E%3D``.
    """
    tree: Params = {}
    for name, value in pairs:
        _place(tree, _path(name), value)
    return {name: with_lists(value) for name, value in tree.items()}


def with_lists(value: Json) -> Json:
    """A map whose keys are 0, 1, 2, ... in that order is a list in PHP."""
    if not isinstance(value, dict):
        return value
    return php_map({key: with_lists(item) for key, item in value.items()})


def php_map(items: dict[str, Json]) -> Json:
    """A map as PHP writes it: empty is ``[]``, and keys 0, 1, 2, ... make a list."""
    if list(items) == [str(index) for index in range(len(items))]:
        return list(items.values())
    return items


def as_map(value: Json) -> dict[str, Json]:
    """A list or map by text keys; nothing for a scalar."""
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    return {}


def _json_parameters(body: bytes) -> Params:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _path(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket or "]" not in rest:
        return [name.replace("[", "_")]
    return [head, *(part.partition("]")[0] for part in rest.split("["))]


def _place(tree: Params, path: list[str], value: str) -> None:
    for part in path[:-1]:
        inner = tree.setdefault(part or _next_index(tree), {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree[path[-1] or _next_index(tree)] = value


def _next_index(tree: Params) -> str:
    return str(len(tree))
