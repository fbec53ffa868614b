"""Parameters as PHP reads them: JSON, bracket notation in query and form, multipart (contract 1.2)."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from b24_pipeline.sandbox.types import Json

Params = dict[str, Json]


def parameters(*, query: str, body: bytes, content_type: str) -> Params:
    """The parameters of a request by upper-case name; the body wins over the query."""
    merged = {**nested(parse_qsl(query, keep_blank_values=True)), **_body_parameters(body, content_type)}
    return {name.upper(): value for name, value in merged.items()}


def command(text: str) -> tuple[str, Params]:
    """Method and parameters of one batch command, ``method?query``."""
    method, _, query = text.partition("?")
    return method, parameters(query=query, body=b"", content_type="")


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
    inner = {key: with_lists(item) for key, item in value.items()}
    return list(inner.values()) if list(inner) == [str(index) for index in range(len(inner))] else inner


def as_map(value: Json) -> dict[str, Json]:
    """A list or map by text keys; nothing for a scalar."""
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    return {}


def _body_parameters(body: bytes, content_type: str) -> Params:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _json_parameters(body)
    if kind == "multipart/form-data":
        return nested(_multipart_pairs(body, content_type))
    return nested(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _json_parameters(body: bytes) -> Params:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _multipart_pairs(body: bytes, content_type: str) -> list[tuple[str, str]]:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    return [
        (str(part.get_param("name", header="content-disposition")), bytes(part.get_payload(decode=True)).decode())
        for part in message.iter_parts()
    ]


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
